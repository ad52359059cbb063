#include "engine/assess/privileges.hpp"

#include <algorithm>
#include <utility>

namespace sluice::assess {

namespace {

constexpr check_name users{"privileges.user", heading::privileges};
constexpr check_name needed{"privileges.needed", heading::privileges};
constexpr check_name wanted{"privileges.wanted", heading::privileges};

/// As JSON and as a JavaScript literal: a user's name may hold anything.
std::string quoted(const std::string& text) {
  constexpr const char* digits = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string words_of(const resource& on) {
  if (on.cluster) return "the cluster";
  if (on.database.empty() && on.collection.empty()) return "every user collection";
  return on.database + (on.collection.empty() ? std::string() : "." + on.collection);
}

std::string document_of(const resource& on) {
  if (on.cluster) return R"({"cluster": true})";
  return R"({"db": )" + quoted(on.database) + R"(, "collection": )" + quoted(on.collection) + "}";
}

struct group {
  resource on;
  std::vector<std::string> actions;
};

/// By what they are granted on, in the order of their first.
std::vector<group> grouped(const std::vector<lacking_action>& lacking) {
  std::vector<group> groups;
  for (const lacking_action& one : lacking) {
    auto found = std::ranges::find(groups, one.on, &group::on);
    if (found == groups.end()) found = groups.insert(groups.end(), {one.on, {}});
    if (std::ranges::find(found->actions, one.action) == found->actions.end()) found->actions.push_back(one.action);
  }
  return groups;
}

std::string grant_line(const privilege_facts& facts, const std::vector<std::string>& roles) {
  std::string list;
  for (const std::string& role : roles) {
    list += std::string(list.empty() ? "" : ", ") + R"({"role": )" + quoted(role) + R"(, "db": "admin"})";
  }
  return "db.getSiblingDB(" + quoted(facts.user_database) + ").grantRolesToUser(" + quoted(facts.user) + ", [" + list +
         "])";
}

std::string role_name(const std::string& side) {
  return side == "source" ? "sluiceSource" : "sluiceDestination";
}

std::string actions_text(const std::vector<lacking_action>& lacking) {
  std::string text;
  for (const group& one : grouped(lacking)) {
    text += (text.empty() ? "" : "; ") + listed(one.actions, one.actions.size()) + " on " + words_of(one.on);
  }
  return text;
}

std::string losses_text(const std::vector<lacking_action>& lacking) {
  std::vector<std::string> losses;
  for (const lacking_action& one : lacking) {
    if (std::ranges::find(losses, one.lost) == losses.end()) losses.push_back(one.lost);
  }
  std::string text;
  for (const std::string& one : losses) text += (text.empty() ? "" : "; ") + one;
  return text;
}

}  // namespace

std::vector<std::string> least_grants(const std::string& side, const privilege_facts& facts) {
  if (facts.lacking.empty()) return {};
  std::string privileges;
  for (const group& one : grouped(facts.lacking)) {
    std::string actions;
    for (const std::string& action : one.actions) actions += (actions.empty() ? "" : ", ") + quoted(action);
    privileges += std::string(privileges.empty() ? "" : ", ") + R"({"resource": )" + document_of(one.on) +
                  R"(, "actions": [)" + actions + "]}";
  }
  return {R"(db.getSiblingDB("admin").createRole({"role": )" + quoted(role_name(side)) + R"(, "privileges": [)" +
              privileges + R"(], "roles": []}))",
          grant_line(facts, {role_name(side)})};
}

std::vector<std::string> built_in_grants(const std::string& side, const privilege_facts& facts) {
  if (facts.lacking.empty()) return {};
  if (side == "source") return {grant_line(facts, {"backup", "clusterMonitor", "readAnyDatabase"})};
  std::vector<std::string> roles{"readWriteAnyDatabase", "dbAdminAnyDatabase", "clusterMonitor", "restore"};
  if (facts.is_sharded) roles.emplace_back("clusterManager");
  return {grant_line(facts, roles)};
}

findings judge_privileges(const std::string& side, const privilege_facts& facts) {
  if (!facts.problem.empty()) return {not_known(users, side, facts.problem)};
  if (facts.demanded) {
    return {problem(users, side, "demands authentication, and its URI holds no user",
                    "use mongodb://USER:PASSWORD@HOST/?authSource=admin, best by --" + side + "-uri-file")};
  }
  if (facts.without_users) {
    return {fine(users, side, "asks nobody who he is (no authentication): nothing is to be granted")};
  }
  privilege_facts musts = facts;
  std::erase_if(musts.lacking, [](const lacking_action& one) { return !one.lost.empty(); });
  privilege_facts wishes = facts;
  std::erase_if(wishes.lacking, [](const lacking_action& one) { return one.lost.empty(); });
  findings found;
  const std::string who = "the user \"" + facts.user + "\"";
  const auto mend = [&](finding told) {
    told.commands = built_in_grants(side, facts);
    for (std::string& line : least_grants(side, facts)) told.commands.push_back(std::move(line));
    return told;
  };
  const std::string advice =
      "paste the first line (built-in roles) into mongosh, or the two others (a role with exactly what lacks)";
  if (!musts.lacking.empty()) {
    found.push_back(mend(problem(needed, side, who + " lacks " + actions_text(musts.lacking), advice)));
  } else {
    found.push_back(fine(needed, side, who + " may do all that has to be done"));
  }
  if (!wishes.lacking.empty()) {
    finding told =
        warning(wanted, side, who + " lacks " + actions_text(wishes.lacking) + ", so " + losses_text(wishes.lacking),
                musts.lacking.empty() ? advice : "the lines above grant it, too");
    found.push_back(musts.lacking.empty() ? mend(std::move(told)) : std::move(told));
  }
  return found;
}

}  // namespace sluice::assess
