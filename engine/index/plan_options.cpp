// One collection's options compared, as far as collMod can change them.
#include <cstdint>
#include <limits>
#include <utility>

#include "bson/compare.hpp"
#include "engine/index/cutover_plan.hpp"

namespace sluice::index {

namespace {

using cluster::collection_info;
using cluster::collection_kind;

std::int64_t number(const collection_info& info, std::string_view name) {
  const auto field = info.options.view().find(name);
  return field ? field.to_int64().value_or(0) : 0;
}

bool same_value(bson::element_view a, bson::element_view b) {
  if (!a || !b) return !a && !b;
  return bson::compare_values(a, b) == 0;
}

bool has_images(const collection_info& info) {
  const auto options = info.options.view();
  const auto enabled = options.at("changeStreamPreAndPostImages", "enabled");
  const auto before = options.find("recordPreImages");  // up to 5.0
  return (enabled && enabled.to_bool().value_or(false)) || (before && before.to_bool().value_or(false));
}

std::string_view text_or(bson::element_view field, std::string_view otherwise) {
  return field ? field.as_string().value_or(otherwise) : otherwise;
}

bool append_validation(bson::builder& command, bson::document_view wanted, bson::document_view present) {
  bool differs = false;
  const auto rules = [](bson::document_view options) {
    const auto field = options.find("validator");
    return field ? field.as_document().value_or(bson::document_view()) : bson::document_view();
  };
  if (!bson::same_bytes(rules(wanted), rules(present))) {
    command.append("validator", rules(wanted));
    differs = true;
  }
  for (const auto& [name, otherwise] :
       {std::pair<std::string_view, std::string_view>{"validationLevel", "strict"}, {"validationAction", "error"}}) {
    const auto value = text_or(wanted.find(name), otherwise);
    if (value == text_or(present.find(name), otherwise)) continue;
    command.append(name, value);
    differs = true;
  }
  return differs;
}

/// Granularity by name, or by spans where the source was given those (6.3).
bool append_granularity(bson::builder& command, bson::document_view wanted, bson::document_view present) {
  const auto name = wanted.at("timeseries", "granularity");
  const auto span = wanted.at("timeseries", "bucketMaxSpanSeconds");
  if (same_value(name, present.at("timeseries", "granularity")) &&
      same_value(span, present.at("timeseries", "bucketMaxSpanSeconds")))
    return false;
  command.open_document("timeseries");
  if (name) {
    command.append(name);
  } else {
    if (span) command.append(span);
    if (const auto rounding = wanted.at("timeseries", "bucketRoundingSeconds")) command.append(rounding);
  }
  command.close();
  return true;
}

/// Without a bound a server lists no `max`, zero, or the largest number (what collMod makes of zero).
std::int64_t documents_max(const collection_info& info) {
  const auto max = number(info, "max");
  constexpr std::int64_t unbounded = std::numeric_limits<std::int32_t>::max();
  return max <= 0 || max > unbounded ? unbounded : max;
}

bool same_bounds(const collection_info& wanted, const collection_info& present) {
  const auto size = number(wanted, "size");
  constexpr std::int64_t step = 256;  // servers up to 6.0 round the size up to it
  const auto rounded = (size + step - 1) / step * step;
  const auto now = number(present, "size");
  return (now == size || now == rounded) && documents_max(wanted) == documents_max(present);
}

bson::document bounds_command(const collection_info& wanted, const collection_info& present) {
  bson::builder command;
  command.append("collMod", wanted.ns.collection).append("cappedSize", number(wanted, "size"));
  if (documents_max(wanted) != documents_max(present)) command.append("cappedMax", documents_max(wanted));
  return command.finish();
}

}  // namespace

void plan_options(const collection_info& source, const collection_info& destination, cutover_plan& into) {
  const auto wanted = source.options.view();
  const auto present = destination.options.view();
  bson::builder command;
  command.append("collMod", source.ns.collection);
  bool changes = false;
  if (source.kind == collection_kind::timeseries) {
    changes = append_granularity(command, wanted, present);
  } else {
    changes = append_validation(command, wanted, present);
    if (has_images(source) != has_images(destination)) {
      command.open_document("changeStreamPreAndPostImages").append("enabled", has_images(source)).close();
      changes = true;
    }
  }
  if (changes) into.steps.push_back({cutover_action::change_options, source.ns, {}, command.finish()});

  if (source.kind == collection_kind::capped) {
    if (!same_bounds(source, destination))
      into.steps.push_back({cutover_action::restore_capped, source.ns, {}, bounds_command(source, destination)});
    return;
  }
  if (source.kind == collection_kind::plain) return;
  const auto expiry = wanted.find("expireAfterSeconds");
  if (same_value(expiry, present.find("expireAfterSeconds"))) return;
  bson::builder wake;
  wake.append("collMod", source.ns.collection);
  if (expiry) {
    wake.append(expiry);
  } else {
    wake.append("expireAfterSeconds", "off");
  }
  into.steps.push_back({cutover_action::wake_ttl, source.ns, {}, wake.finish()});
}

}  // namespace sluice::index
