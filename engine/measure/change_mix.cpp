#include "engine/measure/change_mix.hpp"

#include <algorithm>

#include "engine/runtime/limits.hpp"

namespace sluice::measure {

namespace {

constexpr std::int64_t statements_max = 1000;  // of a command: as a driver's bulk write sends them
constexpr std::int64_t tenths = 10;
constexpr std::int64_t seeds_max = 20'000;
constexpr std::int64_t seed_bytes_max = 32LL << 20U;

data_set_options changed(data_set_options like) {
  like.ids = id_kind::integer;
  if (like.form == shape::timeseries) like.form = shape::flat;  // measurements take no updates
  return like;
}

/// Commands of `count` statements, each made by `append(builder, number)`.
template <class Append>
void append_commands(std::vector<change_command>& to, std::string_view verb, std::string_view list,
                     std::string_view collection, std::int64_t count, Append append) {
  for (std::int64_t first = 0; first < count; first += statements_max) {
    const std::int64_t last = std::min(count, first + statements_max);
    bson::builder command;
    command.append(verb, collection).open_array(list);
    for (std::int64_t i = first; i < last; ++i) {
      command.open_document(std::to_string(i - first));
      append(command, i);
      command.close();
    }
    command.close();
    to.push_back({command.finish(), last - first});
  }
}

}  // namespace

change_mix::change_mix(data_set_options like, std::int64_t changes) : documents_(changed(like)) {
  const std::int64_t fitting = std::max<std::int64_t>(30, seed_bytes_max / like.document_bytes);
  seeds_ = std::min({std::max<std::int64_t>(30, changes / 2), seeds_max, fitting});
  changes_ = std::min(changes, 4 * seeds_);  // so that what is deleted is there
}

void change_mix::append_inserts(std::vector<change_command>& to, std::string_view collection, std::int64_t first,
                                std::int64_t count) const {
  const std::int64_t at_once = std::clamp<std::int64_t>(
      static_cast<std::int64_t>(limits::batch_bytes_target) / documents_.options().document_bytes, 1, statements_max);
  for (std::int64_t done = 0; done < count; done += at_once) {
    const std::int64_t some = std::min(at_once, count - done);
    bson::builder command;
    command.append("insert", collection).append_array("documents", documents_.batch(first + done, some));
    to.push_back({command.finish(), some});
  }
}

std::vector<change_command> change_mix::seed_commands(std::string_view collection) const {
  std::vector<change_command> all;
  append_inserts(all, collection, 0, seeds_);
  return all;
}

std::vector<change_command> change_mix::commands(std::string_view collection) const {
  std::vector<change_command> all;
  const std::int64_t inserts = changes_ * 40 / 100 / tenths;
  const std::int64_t sets = changes_ * 45 / 100 / tenths;
  const std::int64_t pushes = changes_ * 8 / 100 / tenths;
  const std::int64_t deletes = changes_ * 7 / 100 / tenths;
  const std::int64_t kept = seeds_ - seeds_ / 3;  // those behind are deleted in time
  constexpr std::int64_t prime = 7919;            // spreads the updates over all
  for (std::int64_t tenth = 0; tenth < tenths; ++tenth) {
    append_inserts(all, collection, seeds_ + tenth * inserts, inserts);
    append_commands(all, "update", "updates", collection, sets, [&](bson::builder& to, std::int64_t i) {
      to.open_document("q").append("_id", i * prime % kept).close().open_document("u");
      to.open_document("$set").append("name", "t" + std::to_string(i)).close();
      to.open_document("$inc").append("n", 1).close().close();
    });
    append_commands(all, "update", "updates", collection, pushes, [&](bson::builder& to, std::int64_t i) {
      to.open_document("q").append("_id", (i * prime + tenth) % kept).close().open_document("u");
      to.open_document("$push").append("list", i).close().close();
    });
    append_commands(all, "delete", "deletes", collection, deletes, [&](bson::builder& to, std::int64_t i) {
      to.open_document("q").append("_id", kept + tenth * deletes + i).close().append("limit", 1);
    });
  }
  return all;
}

}  // namespace sluice::measure
