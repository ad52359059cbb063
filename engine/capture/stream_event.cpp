#include "engine/capture/stream_event.hpp"

#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include "engine/capture/oplog_entry.hpp"

namespace sluice::capture {

namespace {

error refused(bson::document_view event, std::string_view what) {
  return failure(error_kind::protocol, "the source's change stream holds an event " + std::string(what) + ": " +
                                           describe(event) + "; read the oplog instead (--capture oplog)");
}

/// One event, its common fields found.
class translation {
 public:
  explicit translation(bson::document_view event) : event_(event) {}

  result<stream_event> run();

 private:
  [[nodiscard]] bson::document_view part(std::string_view name) const {
    const auto field = event_.find(name);
    return field ? field.as_document().value_or(bson::document_view()) : bson::document_view();
  }
  [[nodiscard]] std::string ns() const { return std::string(database_) + "." + std::string(collection_); }
  [[nodiscard]] bson::builder entry_of(std::string_view op, const std::string& of) const {
    bson::builder entry;
    entry.append("ts", done_.at).append("op", op).append("ns", of);
    return entry;
  }

  result<> change_of_document(std::string_view type);
  void change_of_view(std::string_view type);
  result<> change_of_catalog(std::string_view type);
  result<> drop_indexes();
  result<> rename();
  void add_command(const bson::document& o);
  [[nodiscard]] bson::document described_as(std::string_view command) const;

  bson::document_view event_;
  std::string_view database_;
  std::string_view collection_;
  bson::element_view uuid_;
  stream_event done_;
};

result<stream_event> translation::run() {
  const auto time = event_.find("clusterTime");
  const auto at = time ? time.as_timestamp() : std::nullopt;
  if (!at) return refused(event_, "without a time");
  done_.at = *at;
  const std::string_view type = event_.find("operationType").as_string().value_or("");
  if (type == "endOfTransaction") return std::move(done_);  // from 8.0 on
  const auto named = part("ns");
  database_ = named.find("db").as_string().value_or("");
  collection_ = named.find("coll").as_string().value_or("");
  uuid_ = event_.find("collectionUUID");
  if (database_.empty()) return refused(event_, "without a namespace");
  if (type == "insert" || type == "update" || type == "replace" || type == "delete") {
    SLUICE_TRYV(change_of_document(type));
  } else if (type == "dropDatabase") {
    bson::builder o;
    o.append("dropDatabase", 1);
    add_command(o.finish());
  } else if (!uuid_ && (type == "create" || type == "modify" || type == "drop")) {
    change_of_view(type);
  } else {
    SLUICE_TRYV(change_of_catalog(type));
  }
  return std::move(done_);
}

result<> translation::change_of_document(std::string_view type) {
  const bool is_insert = type == "insert";
  const bool is_update = type == "update";
  const auto key = part("documentKey");
  const auto document = part(is_update ? "rawUpdateDescription" : "fullDocument");
  if (!uuid_ || key.empty() || (type != "delete" && document.empty()))
    return refused(event_, "that does not say all of its change");
  auto entry = entry_of(is_insert ? "i" : type == "delete" ? "d" : "u", ns());
  entry.append("ui", uuid_).append("o", type == "delete" ? key : document);
  if (is_update || type == "replace") entry.append("o2", key);
  done_.entries.push_back(entry.finish());
  return ok();
}

/// Oplogs have them as rows of system.views.
void translation::change_of_view(std::string_view type) {
  auto entry = entry_of(type == "create" ? "i" : type == "drop" ? "d" : "u", std::string(database_) + ".system.views");
  bson::builder identity;
  identity.append("_id", ns());
  if (type == "create") {
    identity.append_all(part("operationDescription"));
    entry.append("o", identity.finish());
  } else if (type == "drop") {
    entry.append("o", identity.finish());
  } else {
    // As a part of the row, so that whoever applies it reads the definition as it is at the source by then.
    entry.open_document("o").append("$v", 2).open_document("diff");
    entry.append("u", part("operationDescription")).close().close();
    entry.append("o2", identity.finish());
  }
  done_.entries.push_back(entry.finish());
}

result<> translation::change_of_catalog(std::string_view type) {
  if (!uuid_ || collection_.empty()) return refused(event_, "that this version does not know");
  if (type == "drop") {
    bson::builder o;
    o.append("drop", collection_);
    add_command(o.finish());
    return ok();
  }
  if (type == "rename") return rename();
  if (type == "dropIndexes") return drop_indexes();
  if (type == "create" || type == "createIndexes") {
    add_command(described_as(type));
    return ok();
  }
  if (type == "modify") {
    add_command(described_as("collMod"));
    return ok();
  }
  return refused(event_, "that this version does not know");
}

/// {<command>: collection, <what describes it>}.
bson::document translation::described_as(std::string_view command) const {
  bson::builder o;
  o.append(command, collection_).append_all(part("operationDescription"));
  return o.finish();
}

/// An entry of an oplog drops one.
result<> translation::drop_indexes() {
  const auto listed = part("operationDescription").find("indexes");
  const auto indexes = listed ? listed.as_array() : std::nullopt;
  if (!indexes) return refused(event_, "that drops indexes and does not say which");
  for (const auto each : *indexes) {
    const auto spec = each.as_document();
    const auto name = spec ? spec->find("name") : bson::element_view{};
    if (!name) return refused(event_, "that drops an index without a name");
    bson::builder o;
    o.append("dropIndexes", collection_).append("index", name);
    add_command(o.finish());
  }
  return ok();
}

result<> translation::rename() {
  const auto to = part("to");
  const auto database = to.find("db").as_string();
  const auto collection = to.find("coll").as_string();
  if (!database || !collection) return refused(event_, "that renames a collection and does not say into what");
  bson::builder o;
  o.append("renameCollection", ns()).append("to", std::string(*database) + "." + std::string(*collection));
  o.append("stayTemp", false);
  if (const auto target = part("operationDescription").find("dropTarget")) o.append(target);
  add_command(o.finish());
  return ok();
}

void translation::add_command(const bson::document& o) {
  auto entry = entry_of("c", std::string(database_) + ".$cmd");
  if (uuid_) entry.append("ui", uuid_);
  entry.append("o", o);
  done_.entries.push_back(entry.finish());
}

}  // namespace

result<stream_event> read_stream_event(bson::document_view event) {
  return translation(event).run();
}

std::optional<bson::timestamp> time_of_token(bson::document_view token) {
  constexpr std::string_view timestamp_type = "82";
  const auto field = token.find("_data");
  const auto data = (field ? field.as_string() : std::nullopt).value_or("");
  if (!data.starts_with(timestamp_type) || data.size() < 18) return {};
  const auto read = [&data](std::size_t from, std::uint32_t& into) {
    const char* const end = data.data() + from + 8;
    const auto got = std::from_chars(data.data() + from, end, into, 16);
    return got.ec == std::errc{} && got.ptr == end;
  };
  bson::timestamp time;
  if (!read(2, time.seconds) || !read(10, time.increment)) return {};
  return time;
}

}  // namespace sluice::capture
