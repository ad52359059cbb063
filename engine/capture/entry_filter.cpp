#include "engine/capture/entry_filter.hpp"

#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "bson/validate.hpp"

namespace sluice::capture {

namespace {

constexpr std::string_view views_suffix = ".system.views";

error malformed(std::string_view what) {
  return failure(error_kind::protocol, "the source's oplog holds an entry that is no oplog entry: " +
                                           std::string(what) + "; check the source with validate");
}

std::size_t length_at(const std::byte* at) noexcept {
  std::uint32_t length = 0;
  std::memcpy(&length, at, sizeof length);
  return length;
}

/// The bytes of a value of type `t` of which `left` bytes are there; nothing if they do not hold one, or if it is of a
/// type that no oplog entry has at its top.
std::optional<std::size_t> value_bytes(bson::type t, const std::byte* at, std::size_t left) noexcept {
  std::size_t bytes = 0;
  switch (t) {
    case bson::type::null:
      return 0;
    case bson::type::boolean:
      bytes = 1;
      break;
    case bson::type::int32:
      bytes = 4;
      break;
    case bson::type::double_:
    case bson::type::date_time:
    case bson::type::timestamp:
    case bson::type::int64:
      bytes = 8;
      break;
    case bson::type::object_id:
      bytes = 12;
      break;
    case bson::type::decimal128:
      bytes = 16;
      break;
    case bson::type::string:
      if (left < 5) return {};
      bytes = length_at(at);
      if (bytes < 1 || bytes > left - 4 || at[4 + bytes - 1] != std::byte{0}) return {};
      bytes += 4;
      break;
    case bson::type::binary:
      if (left < 5) return {};
      bytes = length_at(at);
      if (bytes > left - 5) return {};
      bytes += 5;
      break;
    case bson::type::document:
    case bson::type::array:
      if (left < 5) return {};
      bytes = length_at(at);
      if (bytes < 5 || bytes > left || at[bytes - 1] != std::byte{0}) return {};
      break;
    default:
      return {};
  }
  if (bytes > left) return {};
  return bytes;
}

/// The fields that decide, found within the entry's bounds.
struct outline {
  entry_kind kind = entry_kind::unknown;
  bool has_op = false;
  std::optional<bson::timestamp> ts;
  std::int64_t term = -1;
  std::string_view ns;
  bson::bytes_view o;
  bson::bytes_view o2;
};

entry_kind kind_of(std::string_view op) noexcept {
  if (op.size() != 1) return entry_kind::unknown;
  switch (op.front()) {
    case 'n':
      return entry_kind::nothing;
    case 'i':
      return entry_kind::insert;
    case 'u':
      return entry_kind::update;
    case 'd':
      return entry_kind::remove;
    case 'c':
      return entry_kind::command;
    default:
      return entry_kind::unknown;
  }
}

void take(const bson::element_view& field, outline& into) {
  const std::string_view key = field.key();
  if (key == "op") {
    const auto op = field.as_string();
    into.has_op = op.has_value();
    into.kind = kind_of(op.value_or(""));
  } else if (key == "ns") {
    into.ns = field.as_string().value_or("");
  } else if (key == "ts") {
    into.ts = field.as_timestamp();
  } else if (key == "t") {
    into.term = field.to_int64().value_or(-1);
  } else if (key == "o" && field.type() == bson::type::document) {
    into.o = field.value();
  } else if (key == "o2" && field.type() == bson::type::document) {
    into.o2 = field.value();
  }
}

result<outline> read_outline(bson::bytes_view entry) {
  if (!bson::framed(entry)) return malformed("its length lies");
  outline read;
  const std::byte* at = entry.data() + 4;
  const std::byte* const end = entry.data() + entry.size() - 1;
  while (at < end) {
    const auto* const key_end =
        static_cast<const std::byte*>(std::memchr(at + 1, 0, static_cast<std::size_t>(end - at - 1)));
    if (key_end == nullptr) return malformed("a field's name has no end");
    const auto bytes =
        value_bytes(static_cast<bson::type>(*at), key_end + 1, static_cast<std::size_t>(end - key_end - 1));
    if (!bytes) return malformed("a field runs past its end or has a type that it never has");
    take(bson::element_view(at), read);
    at = key_end + 1 + *bytes;
  }
  if (!read.has_op) return malformed("it has no \"op\"");
  if (!read.ts) return malformed("it has no \"ts\"");
  return read;
}

std::string_view database_of(std::string_view ns) noexcept {
  return ns.substr(0, ns.find('.'));
}

std::optional<error> fault_of(bson::bytes_view document) {
  // Names of collections need not be UTF-8.
  const auto invalid = bson::validate(document, {.check_utf8 = false});
  if (!invalid) return {};
  return malformed("at byte " + std::to_string(invalid->offset) + ", " + std::string(invalid->reason));
}

/// The name of the command, within bounds and without looking at the rest of what may be 16 MiB of operations.
std::string_view first_key(bson::bytes_view document) noexcept {
  if (document.size() <= 5) return {};
  const auto* const begin = reinterpret_cast<const char*>(document.data()) + 5;
  const auto* const end = static_cast<const char*>(std::memchr(begin, 0, document.size() - 6));
  return end == nullptr ? std::string_view() : std::string_view(begin, static_cast<std::size_t>(end - begin));
}

bool is_of_transactions(std::string_view command) noexcept {
  return command == "applyOps" || command == "commitTransaction" || command == "abortTransaction";
}

}  // namespace

result<bool> entry_filter::wants_command(bson::bytes_view entry, const oplog_entry& read) {
  if (auto fault = fault_of(entry)) return *std::move(fault);
  switch (kind_of_command(read.o)) {
    case command_kind::harmless:
      return false;
    case command_kind::catalog:
      return namespaces_.takes_command(read);
    default:
      return namespaces_.may_take_from(database_of(read.ns));
  }
}

result<entry_verdict> entry_filter::judge(bson::bytes_view entry) {
  SLUICE_TRY(const auto found, read_outline(entry));
  entry_verdict verdict{.at = {*found.ts, found.term}, .wanted = false};
  if (found.kind == entry_kind::nothing) return verdict;
  if (found.kind == entry_kind::unknown) {
    SLUICE_TRY(verdict.wanted, namespaces_.may_take_from(database_of(found.ns)));
    return verdict;
  }
  if (found.o.empty()) return malformed("it has no \"o\"");
  if (found.kind == entry_kind::command && is_of_transactions(first_key(found.o))) {
    verdict.wanted = true;
    return verdict;
  }
  oplog_entry read;
  read.kind = found.kind;
  read.ns = found.ns;
  read.o = bson::document_view(found.o.data());
  if (!found.o2.empty()) read.o2 = bson::document_view(found.o2.data());
  if (found.kind == entry_kind::command) {
    SLUICE_TRY(verdict.wanted, wants_command(entry, read));
    return verdict;
  }
  if (found.ns.ends_with(views_suffix)) {  // judged by what is in it
    if (auto fault = fault_of(entry)) return *std::move(fault);
  }
  SLUICE_TRY(verdict.wanted, namespaces_.takes_data(read));
  return verdict;
}

}  // namespace sluice::capture
