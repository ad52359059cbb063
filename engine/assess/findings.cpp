#include "engine/assess/findings.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::assess {

namespace {

struct heading_words {
  std::string_view key;
  std::string_view title;
};
constexpr std::array<heading_words, heading_count> headings{{
    {"hosts", "Hosts"},
    {"privileges", "Users and privileges"},
    {"versions", "Versions"},
    {"topology", "Topology"},
    {"settings", "Settings of the servers"},
    {"oplog", "Oplog"},
    {"disk", "Disk"},
    {"thisHost", "This host"},
    {"catalog", "Collections and indexes"},
    {"data", "Data"},
    {"estimate", "Estimate"},
}};

finding made(check_name of, level how, std::string subject, std::string what, std::string advice,
             std::vector<figure> figures) {
  finding one;
  one.check = of.check;
  one.how = how;
  one.under = of.under;
  one.subject = std::move(subject);
  one.what = std::move(what);
  one.advice = std::move(advice);
  one.figures = std::move(figures);
  return one;
}

}  // namespace

std::string_view to_string(level l) noexcept {
  switch (l) {
    case level::fine:
      return "ok";
    case level::warning:
      return "warning";
    case level::failure:
      return "failure";
  }
  return {};
}

std::string_view to_string(heading h) noexcept {
  return headings[static_cast<std::size_t>(h)].key;
}

std::string_view title_of(heading h) noexcept {
  return headings[static_cast<std::size_t>(h)].title;
}

finding fine(check_name of, std::string subject, std::string what, std::vector<figure> figures) {
  return made(of, level::fine, std::move(subject), std::move(what), {}, std::move(figures));
}

finding warning(check_name of, std::string subject, std::string what, std::string advice, std::vector<figure> figures) {
  return made(of, level::warning, std::move(subject), std::move(what), std::move(advice), std::move(figures));
}

finding problem(check_name of, std::string subject, std::string what, std::string advice, std::vector<figure> figures) {
  return made(of, level::failure, std::move(subject), std::move(what), std::move(advice), std::move(figures));
}

finding not_known(check_name of, std::string subject, const std::string& cause, std::string advice) {
  return warning(of, std::move(subject), "could not be looked at: " + cause, std::move(advice));
}

std::size_t count(const findings& of, level how) noexcept {
  return static_cast<std::size_t>(std::ranges::count(of, how, &finding::how));
}

level verdict_of(const report& of) noexcept {
  level worst = level::fine;
  for (const finding& one : of.found) worst = std::max(worst, one.how);
  return worst;
}

std::string listed(const std::vector<std::string>& names, std::size_t shown) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), shown); ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > shown) text += " and " + std::to_string(names.size() - shown) + " more";
  return text;
}

std::string counted(std::int64_t count, std::string_view one, std::string_view several) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : several);
}

}  // namespace sluice::assess
