#include "tools/assess_text.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "tools/terminal_text.hpp"

namespace sluice::tools {
namespace {

using assess::finding;
using assess::level;

std::string_view mark_of(level how) {
  switch (how) {
    case level::fine:
      return "  ✓ ";
    case level::warning:
      return "  ! ";
    case level::failure:
      return "  ✗ ";
  }
  return {};
}

std::string finding_text(const finding& of, std::size_t width) {
  std::string out = wrapped(printable(of.subject) + ": " + printable(of.what), mark_of(of.how), width);
  if (!of.advice.empty()) out += wrapped(printable(of.advice), "    → ", width);
  for (const std::string& line : of.commands) out += "        " + printable(line) + "\n";
  return out;
}

std::string side_text(std::string_view title, const assess::side_name& of) {
  std::string told = of.name.empty() ? "not reached" : printable(of.name);
  if (!of.version.empty()) told += ", MongoDB " + printable(of.version);
  return fmt::format("  {} {}\n", fitted(title, 12), told);
}

std::string sum_text(const assess::report& of) {
  const auto failures = static_cast<std::int64_t>(assess::count(of.found, level::failure));
  const auto warnings = static_cast<std::int64_t>(assess::count(of.found, level::warning));
  if (failures == 0 && warnings == 0) return "  All is well.\n";
  const std::string worth = assess::counted(warnings, "thing", "things") + " worth a look";
  if (failures == 0) return "  Nothing is in the way; " + worth + ".\n";
  return fmt::format("  {} in the way{}.\n", assess::counted(failures, "thing is", "things are"),
                     warnings == 0 ? std::string() : ", " + worth);
}

}  // namespace

std::string assess_text(const assess::report& of, std::size_t terminal_columns) {
  const std::size_t width = std::clamp<std::size_t>(terminal_columns, 60, 110) - 2;
  std::string out = side_text("source", of.source) + side_text("destination", of.destination);
  const assess::heading* under = nullptr;
  for (const finding& one : of.found) {
    if (under == nullptr || *under != one.under) out += "\n  " + std::string(assess::title_of(one.under)) + "\n";
    under = &one.under;
    out += finding_text(one, width);
  }
  out += "\n" + sum_text(of);
  if (!of.command.empty()) out += "\n  Begin with\n      " + printable(of.command) + "\n";
  return out + "\n";
}

}  // namespace sluice::tools
