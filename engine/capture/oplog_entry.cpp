#include "engine/capture/oplog_entry.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "bson/extended_json.hpp"

namespace sluice::capture {

namespace {

constexpr std::size_t described_characters = 1200;

// Every command that 4.4 to 8.0 apply from an oplog (the table of operations in the server's repl/oplog.cpp, and
// CommandTypeEnum in repl/oplog_entry.idl), but two that are not here on purpose and so end the migration with an
// error: importCollection brings files that no client can read, and truncateRange names documents by RecordId.
constexpr std::array<std::pair<std::string_view, command_kind>, 20> commands{{
    {"applyOps", command_kind::apply_ops},
    {"commitTransaction", command_kind::commit_transaction},
    {"abortTransaction", command_kind::abort_transaction},
    {"create", command_kind::catalog},
    {"createIndexes", command_kind::catalog},
    {"commitIndexBuild", command_kind::catalog},
    {"drop", command_kind::catalog},
    {"dropDatabase", command_kind::catalog},
    {"dropIndexes", command_kind::catalog},
    {"dropIndex", command_kind::catalog},
    {"deleteIndexes", command_kind::catalog},
    {"deleteIndex", command_kind::catalog},
    {"renameCollection", command_kind::catalog},
    {"collMod", command_kind::catalog},
    {"convertToCapped", command_kind::catalog},
    {"emptycapped", command_kind::catalog},
    // An index exists from its commit on; one that is being built may still come to nothing.
    {"startIndexBuild", command_kind::harmless},
    {"abortIndexBuild", command_kind::harmless},
    {"dbCheck", command_kind::harmless},                               // compares the members of a set
    {"modifyCollectionShardingIndexCatalog", command_kind::harmless},  // 7.0: a shard's routing metadata
}};

entry_kind kind_of(std::string_view op) noexcept {
  if (op == "i") return entry_kind::insert;
  if (op == "u") return entry_kind::update;
  if (op == "d") return entry_kind::remove;
  if (op == "c") return entry_kind::command;
  if (op == "n") return entry_kind::nothing;
  return entry_kind::unknown;
}

error malformed(bson::document_view entry, std::string_view what) {
  return failure(error_kind::protocol, "an oplog entry " + std::string(what) + ": " + describe(entry));
}

/// Which of the fields that must be there were there.
struct seen_fields {
  bool op = false;
  bool ts = false;
  bool ns = false;
  bool o = false;
  bool o2 = false;
};

/// Takes one field; false if it has a type that it never has.
bool take_field(const bson::element_view& field, oplog_entry& into, seen_fields& seen) {
  const std::string_view key = field.key();
  const auto take_document = [&field](bson::document_view& to, bool* was_there) {
    const auto value = field.as_document();
    if (!value) return false;
    to = *value;
    if (was_there != nullptr) *was_there = true;
    return true;
  };
  if (key == "op") {
    const auto value = field.as_string();
    if (!value) return false;
    into.kind = kind_of(*value);
    seen.op = true;
  } else if (key == "ns") {
    const auto value = field.as_string();
    if (!value) return false;
    into.ns = *value;
    seen.ns = true;
  } else if (key == "o") {
    return take_document(into.o, &seen.o);
  } else if (key == "o2") {
    return take_document(into.o2, &seen.o2);
  } else if (key == "ts") {
    const auto value = field.as_timestamp();
    if (!value) return false;
    into.at = *value;
    seen.ts = true;
  } else if (key == "ui") {
    const auto value = field.as_binary();
    if (!value || value->data.size() != 16) return false;
    into.uuid = value->data;
  } else if (key == "lsid") {
    const auto value = field.as_document();
    if (!value) return false;
    into.session = value->bytes();
  } else if (key == "txnNumber") {
    into.txn_number = field.to_int64();
    return into.txn_number.has_value();
  } else if (key == "prevOpTime") {
    const auto value = field.as_document();
    const auto ts = value ? value->find("ts") : bson::element_view{};
    const auto time = ts ? ts.as_timestamp() : std::nullopt;
    if (!time) return false;
    into.previous = *time;
  } else if (key == "multiOpType") {
    const auto value = field.to_int64();
    if (!value) return false;
    into.multi_op_type = *value;
  }
  return true;
}

}  // namespace

result<oplog_entry> read_entry(bson::document_view entry, bool inner) {
  oplog_entry read;
  read.whole = entry;
  seen_fields seen;
  for (const auto field : entry) {
    if (!take_field(field, read, seen))
      return malformed(entry, "has a field \"" + std::string(field.key()) + "\" of a kind that it never has");
  }
  if (!seen.op) return malformed(entry, "has no \"op\"");
  if (!inner && !seen.ts) return malformed(entry, "has no \"ts\"");
  if (inner) read.at = {};
  if (read.kind == entry_kind::nothing || read.kind == entry_kind::unknown) return read;
  if (!seen.ns || read.ns.find('.') == std::string_view::npos) return malformed(entry, "has no namespace in \"ns\"");
  if (!seen.o) return malformed(entry, "has no \"o\"");
  if (read.kind == entry_kind::update && !seen.o2) return malformed(entry, "is an update without \"o2\"");
  return read;
}

command_kind kind_of_command(bson::document_view o) noexcept {
  if (o.empty()) return command_kind::unknown;
  const auto name = (*o.begin()).key();
  const auto* const found = std::ranges::find(commands, name, [](const auto& known) { return known.first; });
  return found == commands.end() ? command_kind::unknown : found->second;
}

result<apply_ops> read_apply_ops(const oplog_entry& entry) {
  apply_ops read;
  const auto field = entry.o.find("applyOps");
  const auto operations = field ? field.as_array() : std::nullopt;
  if (!operations) return malformed(entry.whole, "has an applyOps that is no array");
  read.operations = *operations;
  for (const auto operation : read.operations) {
    if (operation.type() != bson::type::document)
      return malformed(entry.whole, "has an applyOps with something in it that is no operation");
  }
  const auto flag = [&entry](std::string_view name) {
    const auto value = entry.o.find(name);
    return value && value.to_bool().value_or(false);
  };
  read.partial = flag("partialTxn");
  read.prepare = flag("prepare");
  return read;
}

std::string describe(bson::document_view entry) {
  std::string text = bson::to_json(entry);
  if (text.size() > described_characters) {
    std::size_t end = described_characters;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // not within a character
    text.resize(end);
    text += "...";
  }
  return text;
}

std::string describe(bson::timestamp at) {
  return "Timestamp(" + std::to_string(at.seconds) + ", " + std::to_string(at.increment) + ")";
}

}  // namespace sluice::capture
