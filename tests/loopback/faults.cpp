// Parsing and counting of faults.
#include "tests/loopback/faults.hpp"

#include <array>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace sluice::loopback {
namespace {

constexpr std::array<std::pair<std::string_view, fault_kind>, 8> kinds{{
    {"delay", fault_kind::delay},
    {"cut", fault_kind::cut},
    {"drop", fault_kind::drop},
    {"truncate", fault_kind::truncate},
    {"lie", fault_kind::lie},
    {"garbage", fault_kind::garbage},
    {"error", fault_kind::error},
    {"stall", fault_kind::stall},
}};

std::string_view take_part(std::string_view& rest) {
  const std::size_t colon = rest.find(':');
  const std::string_view part = rest.substr(0, colon);
  rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
  return part;
}

template <class Integer>
Integer number(std::string_view text, std::string_view fault_text) {
  Integer value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) {
    throw std::invalid_argument("fault '" + std::string(fault_text) + "': '" + std::string(text) + "' is no number");
  }
  return value;
}

}  // namespace

fault fault::parse(std::string_view text) {
  fault parsed;
  std::string_view rest = text;
  parsed.command = take_part(rest);
  const std::string_view nth = take_part(rest);
  const std::string_view kind = take_part(rest);
  if (parsed.command.empty() || nth.empty() || kind.empty()) {
    throw std::invalid_argument("fault '" + std::string(text) + "': expected command:n:kind, e.g. getMore:17:cut");
  }
  parsed.nth = nth == "*" ? 0 : number<std::uint64_t>(nth, text);
  bool known = false;
  for (const auto& [name, value] : kinds) {
    if (name != kind) continue;
    parsed.kind = value;
    known = true;
  }
  if (!known) {
    throw std::invalid_argument("fault '" + std::string(text) +
                                "': the kind is one of delay, cut, drop, truncate, lie, garbage, error, stall");
  }
  if (parsed.kind == fault_kind::delay && !rest.empty()) parsed.delay_ms = number<std::uint32_t>(take_part(rest), text);
  if (parsed.kind == fault_kind::lie && !rest.empty()) parsed.lie_bytes = number<std::int32_t>(take_part(rest), text);
  if (parsed.kind == fault_kind::error && !rest.empty()) {
    parsed.code = number<std::int32_t>(take_part(rest), text);
    parsed.code_name = rest.empty() ? "Code" + std::to_string(parsed.code) : std::string(take_part(rest));
  }
  if (!rest.empty()) {
    throw std::invalid_argument("fault '" + std::string(text) + "': nothing is known about '" + std::string(rest) +
                                "'");
  }
  return parsed;
}

void fault_plan::add(fault planned) {
  const std::lock_guard lock(mutex_);
  planned_.push_back(std::move(planned));
}

void fault_plan::clear() {
  const std::lock_guard lock(mutex_);
  planned_.clear();
}

std::optional<fault> fault_plan::next(std::string_view command) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t all = ++seen_["*"];
  const std::uint64_t these = ++seen_[std::string(command)];
  for (const auto& planned : planned_) {
    const bool any = planned.command == "*";
    if (!any && planned.command != command) continue;
    if (planned.nth == 0 || planned.nth == (any ? all : these)) return planned;
  }
  return std::nullopt;
}

std::uint64_t fault_plan::seen(std::string_view command) const {
  const std::lock_guard lock(mutex_);
  const auto found = seen_.find(command);
  return found == seen_.end() ? 0 : found->second;
}

}  // namespace sluice::loopback
