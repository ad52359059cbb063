#include "engine/measure/data_set.hpp"

#include <algorithm>
#include <array>
#include <cassert>

#include "engine/runtime/limits.hpp"
#include "engine/runtime/nearest_name.hpp"

namespace sluice::measure {

namespace {

constexpr std::array<std::string_view, 6> shape_names{"flat", "nested", "wide", "array", "timeseries", "mixed"};
constexpr std::array<std::string_view, 4> id_names{"objectid", "random", "int", "string"};
constexpr std::size_t wide_fields_max = 500;
constexpr std::size_t array_elements_max = 10'000;
constexpr std::size_t text_bytes = std::size_t{1} << 20U;
constexpr std::int64_t begin_ms = 1'700'000'000'000;  // any moment will do, as long as it is always the same
/// What an empty text field at the end weighs: type, "text", its length, its zero.
constexpr std::size_t text_overhead_bytes = 1 + 5 + 4 + 1;

/// splitmix64: one multiplication chain a number, and every number from its index alone.
class random_numbers {
 public:
  random_numbers(std::uint64_t seed, std::uint64_t index) : state_(seed * 0x9E3779B97F4A7C15ULL ^ (index << 1U)) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
  }
  std::int32_t below(std::uint64_t bound) { return static_cast<std::int32_t>(next() % bound); }
  double real() { return static_cast<double>(next() >> 11U) / 9007199254740992.0 * 1000.0; }

 private:
  std::uint64_t state_;
};

/// Words, so that it packs about as well as what people store.
std::string words(std::uint64_t seed) {
  constexpr std::string_view syllables[] = {"ba", "co",  "di", "fu", "ga", "he", "lo", "mi", "na", "or",  "pe",  "qui",
                                            "ra", "sto", "tu", "ve", "wa", "xi", "yo", "ze", "an", "ber", "cla", "dor"};
  random_numbers random(seed, 0xC0FFEE);
  std::string text;
  text.reserve(text_bytes + 32);
  while (text.size() < text_bytes) {
    for (std::uint64_t left = 1 + random.next() % 4; left > 0; --left) {
      text += syllables[random.next() % std::size(syllables)];
    }
    text += ' ';
  }
  text.resize(text_bytes);
  return text;
}

std::string_view slice(const std::string& text, random_numbers& random, std::size_t bytes) {
  return std::string_view(text).substr(random.next() % (text.size() - bytes), bytes);
}

void append_id(bson::builder& to, const data_set_options& options, std::uint64_t index) {
  switch (options.ids) {
    case id_kind::objectid: {
      bson::object_id id;
      const auto put = [&id](std::size_t at, std::uint64_t value, unsigned bytes) {
        for (unsigned i = 0; i < bytes; ++i) id.bytes[at + i] = static_cast<std::byte>(value >> (8 * (bytes - 1 - i)));
      };
      put(0, begin_ms / 1000 + (index >> 24U), 4);
      put(4, random_numbers(options.seed, 1).next(), 5);
      put(9, index, 3);
      to.append("_id", id);
      return;
    }
    case id_kind::random: {
      random_numbers random(options.seed ^ 0x1D, index);
      std::array<std::uint64_t, 2> both{random.next(), random.next()};
      to.append("_id", bson::binary_view{4, std::as_bytes(std::span(both))});
      return;
    }
    case id_kind::integer:
      to.append("_id", static_cast<std::int64_t>(index));
      return;
    case id_kind::string: {
      std::string digits = std::to_string(index);
      digits.insert(0, 16 - std::min<std::size_t>(16, digits.size()), '0');
      to.append("_id", "doc-" + digits);
      return;
    }
  }
}

/// The four fields that indexes are made of.
void append_head(bson::builder& to, const std::string& text, random_numbers& random, std::int64_t index) {
  to.append("n", random.below(1'000'000)).append("name", slice(text, random, 12));
  to.append_date_ms("at", begin_ms + index * 1000).append("group", random.below(100));
}

void append_nested(bson::builder& to, const std::string& text, random_numbers& random) {
  to.open_document("a").append("x", random.below(1000)).open_document("b").append("name", slice(text, random, 8));
  to.open_document("c").append("y", random.real()).open_document("d").append("ok", random.below(2) == 1);
  to.open_document("e").append("z", random.below(1000)).close().close().close().close().close();
}

/// Small fields of changing types, until no more than `bytes` are used.
void append_wide(bson::builder& to, const std::string& text, random_numbers& random, std::size_t bytes) {
  constexpr std::size_t largest_field = 1 + 5 + 4 + 9;
  for (std::size_t i = 0; i < wide_fields_max && to.size_bytes() + largest_field <= bytes; ++i) {
    const std::string key = "f" + std::to_string(i);
    switch (i % 4) {
      case 0:
        to.append(key, random.below(1'000'000));
        break;
      case 1:
        to.append(key, random.real());
        break;
      case 2:
        to.append(key, slice(text, random, 8));
        break;
      default:
        to.append(key, random.below(2) == 1);
    }
  }
}

void append_array(bson::builder& to, const std::string& text, random_numbers& random, std::size_t bytes) {
  constexpr std::size_t largest_element = 7 + 5 + 9 + 14 + 21;
  to.open_array("items");
  for (std::size_t i = 0; i < array_elements_max && to.size_bytes() + largest_element <= bytes; ++i) {
    to.open_document(std::to_string(i)).append("sku", random.below(1'000'000)).append("price", random.real());
    to.append("tag", slice(text, random, 8)).close();
  }
  to.close();
}

template <std::size_t count>
result<std::size_t> index_of(std::string_view text, const std::array<std::string_view, count>& names,
                             std::string_view what) {
  const auto found = std::ranges::find(names, text);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  std::string known;
  for (const std::string_view name : names) known += (known.empty() ? "" : ", ") + std::string(name);
  return failure(error_kind::configuration, "unknown " + std::string(what) + " \"" + std::string(text) +
                                                "\": must be one of " + known +
                                                runtime::did_you_mean(text, {names.begin(), names.end()}));
}

error out_of_bounds(std::string_view what, std::int64_t is, std::int64_t least, std::int64_t most) {
  return failure(error_kind::configuration, std::string(what) + " " + std::to_string(is) + ": must be between " +
                                                std::to_string(least) + " and " + std::to_string(most));
}

}  // namespace

std::string_view to_string(shape s) noexcept {
  return shape_names[static_cast<std::size_t>(s)];
}
std::string_view to_string(id_kind k) noexcept {
  return id_names[static_cast<std::size_t>(k)];
}

result<shape> shape_from(std::string_view text) {
  SLUICE_TRY(const std::size_t at, index_of(text, shape_names, "shape"));
  return static_cast<shape>(at);
}
result<id_kind> id_kind_from(std::string_view text) {
  SLUICE_TRY(const std::size_t at, index_of(text, id_names, "kind of _id"));
  return static_cast<id_kind>(at);
}

std::int64_t document_bytes_min(shape s) noexcept {
  return s == shape::flat ? 128 : 256;
}

result<> check(const data_set_options& options) {
  constexpr std::int64_t documents_max = 1'000'000'000'000;
  // A little less than what a server takes: an update of the mix must still fit.
  constexpr auto bytes_max = static_cast<std::int64_t>(limits::document_bytes_max - 64 * limits::kib);
  const std::int64_t bytes_min = document_bytes_min(options.form);
  if (options.documents < 1 || options.documents > documents_max) {
    return out_of_bounds("documents", options.documents, 1, documents_max);
  }
  if (options.document_bytes < bytes_min || options.document_bytes > bytes_max) {
    return out_of_bounds("size of a document of shape " + std::string(to_string(options.form)), options.document_bytes,
                         bytes_min, bytes_max);
  }
  if (options.indexes < 0 || options.indexes > indexes_max) {
    return out_of_bounds("indexes", options.indexes, 0, indexes_max);
  }
  return ok();
}

data_set::data_set(data_set_options options) : options_(options), text_(words(options.seed)) {
  assert(check(options_));
}

bson::document data_set::document(std::int64_t index) const {
  random_numbers random(options_.seed, static_cast<std::uint64_t>(index));
  bson::builder to;
  append_id(to, options_, static_cast<std::uint64_t>(index));
  append_head(to, text_, random, index);
  const auto bytes = static_cast<std::size_t>(options_.document_bytes);
  const std::size_t room = bytes - text_overhead_bytes - 1;
  const shape form = options_.form == shape::mixed ? static_cast<shape>(index % 4) : options_.form;
  switch (form) {
    case shape::nested:
      append_nested(to, text_, random);
      break;
    case shape::wide:
      append_wide(to, text_, random, room);
      break;
    case shape::array:
      append_array(to, text_, random, room - 2);  // the array's end and the document's
      break;
    case shape::timeseries:
      to.append("value", random.real()).append("low", random.real()).append("high", random.real());
      break;
    case shape::flat:
    case shape::mixed:
      break;
  }
  assert(to.size_bytes() <= room);
  std::size_t left = room - to.size_bytes();
  if (left <= text_.size() / 2) {
    to.append("text", slice(text_, random, left));
  } else {
    std::string text;
    text.reserve(left);
    while (text.size() < left) text += slice(text_, random, std::min(left - text.size(), text_.size() / 2));
    to.append("text", text);
  }
  return to.finish();
}

bson::document data_set::batch(std::int64_t first, std::int64_t count) const {
  bson::builder array;
  for (std::int64_t i = 0; i < count; ++i) array.append(std::to_string(i), document(first + i));
  return array.finish();
}

std::int64_t data_set::batch_documents() const noexcept {
  const auto fitting = static_cast<std::int64_t>(limits::batch_bytes_target) / options_.document_bytes;
  return std::clamp<std::int64_t>(fitting, 1, limits::batch_documents_max);
}

bson::document data_set::create_command(std::string_view collection) const {
  bson::builder create;
  create.append("create", collection);
  if (options_.form == shape::timeseries) {
    create.open_document("timeseries").append("timeField", "at").append("metaField", "group").close();
  }
  return create.finish();
}

std::optional<bson::document> data_set::index_command(std::string_view collection) const {
  if (options_.indexes == 0) return {};
  constexpr std::array<std::array<std::string_view, 3>, indexes_max> keys{
      {{"n"}, {"name"}, {"at"}, {"group", "n"}, {"name", "at"}, {"group", "at"}, {"n", "at"}, {"at", "group", "n"}}};
  bson::builder command;
  command.append("createIndexes", collection).open_array("indexes");
  for (std::size_t i = 0; i < static_cast<std::size_t>(options_.indexes); ++i) {
    std::string name;
    command.open_document(std::to_string(i)).open_document("key");
    for (const std::string_view field : keys[i]) {
      if (field.empty()) continue;
      command.append(field, 1);
      name += (name.empty() ? "" : "_") + std::string(field) + "_1";
    }
    command.close().append("name", name).close();
  }
  command.close();
  return command.finish();
}

}  // namespace sluice::measure
