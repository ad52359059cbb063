#include "engine/assess/topology.hpp"

#include <utility>

namespace sluice::assess {

namespace {

constexpr check_name members_check{"topology.members", heading::topology};
constexpr check_name arbiters_check{"topology.arbiters", heading::topology};
constexpr check_name unusual_check{"topology.hiddenOrDelayed", heading::topology};
constexpr check_name table_scan{"settings.notablescan", heading::settings};
constexpr check_name profiling{"settings.profiling", heading::settings};
constexpr check_name balancer{"settings.balancer", heading::settings};
constexpr check_name open_files{"settings.openFiles", heading::settings};
constexpr check_name blocking{"settings.writeBlocking", heading::settings};

finding judge_balancer(const std::string& side, bool on) {
  if (!on) return fine(balancer, side, "the balancer is off");
  if (side == "destination") {
    return warning(balancer, side,
                   "the balancer is on: a migration stops it before it writes, and starts it again at its end",
                   "let it be, and do not start it before the end: a change could miss a document whose chunk moves");
  }
  finding told = warning(balancer, side, "the balancer is on: chunks that move while they are read are read twice",
                         "stop it for the time of the migration");
  told.commands = {"sh.stopBalancer()"};
  return told;
}

/// Connections, logs, what the server has open already.
constexpr double open_files_beside = 2'000;

std::optional<finding> judge_open_files(const std::string& side, const side_settings& settings) {
  if (!settings.open_files_max || settings.open_files_wanted == 0) return {};
  const double wanted = settings.open_files_wanted + open_files_beside;
  const auto whole = [](double count) { return std::to_string(static_cast<std::int64_t>(count)); };
  const std::vector<figure> figures{{"openFilesMax", *settings.open_files_max}, {"wanted", wanted}};
  const std::string what = "its server may open " + whole(*settings.open_files_max) + " files";
  if (wanted <= *settings.open_files_max) return fine(open_files, side, what, figures);
  return warning(open_files, side,
                 what + ", and collections and indexes to come are " + whole(settings.open_files_wanted) +
                     ", which it keeps open long after their last use",
                 "raise its limit (LimitNOFILE in its unit, ulimit -n), or have it close files earlier "
                 "(--wiredTigerEngineConfigString 'file_manager=(close_idle_time=5,close_scan_interval=2)')",
                 figures);
}

}  // namespace

findings judge_members(const std::string& side, const member_kinds& members) {
  findings found;
  const std::vector<figure> figures{{"dataMembers", static_cast<double>(members.data)}};
  const std::string data = counted(static_cast<std::int64_t>(members.data), "member holds data", "members hold data");
  // Positions are stored with w: majority; of two data members and an arbiter both have to be there.
  if (!members.arbiters.empty() && members.data < 3) {
    found.push_back(warning(arbiters_check, side,
                            data + " beside " + listed(members.arbiters) +
                                " (arbiter): while one of them is away nothing can be confirmed by a majority",
                            "have a third member with data for the time of the migration, or mind that both stay up",
                            figures));
  } else {
    found.push_back(fine(members_check, side, data, figures));
  }
  if (!members.hidden.empty()) {
    found.push_back(fine(unusual_check, side, "hidden: " + listed(members.hidden) + "; nothing is asked of it"));
  }
  if (!members.delayed.empty()) {
    found.push_back(warning(unusual_check, side,
                            "delayed: " + listed(members.delayed) +
                                "; if it counts for the majority, confirmations "
                                "may wait for it",
                            "let the other members be a majority by themselves, or give it votes: 0"));
  }
  return found;
}

std::optional<finding> judge_table_scans(const std::string& side, const side_settings& settings) {
  if (!settings.no_table_scan) return {};
  if (!*settings.no_table_scan) return fine(table_scan, side, "allows scans of collections (notablescan is off)");
  if (!settings.chooses_documents) {
    return fine(table_scan, side,
                "refuses scans that look for something (notablescan); Sluice reads collections whole");
  }
  finding told = problem(table_scan, side, "refuses the scans that a document filter needs (notablescan)",
                         "turn it off for the time of the migration, on every member, or leave the filter out");
  told.commands = {R"(db.adminCommand({"setParameter": 1, "notablescan": false}))"};
  return told;
}

findings judge_settings(const std::string& side, const side_settings& settings) {
  findings found;
  if (auto scans = judge_table_scans(side, settings)) found.push_back(*std::move(scans));
  if (auto files = judge_open_files(side, settings)) found.push_back(*std::move(files));
  if (!settings.profiled_databases.empty()) {
    finding told = warning(profiling, side,
                           "records every operation (profiling level 2) in " + listed(settings.profiled_databases) +
                               ", which slows each down",
                           "turn it off for the time of the migration, in each of these databases");
    told.commands = {"db.setProfilingLevel(0)"};
    found.push_back(std::move(told));
  }
  if (settings.balancer_on) found.push_back(judge_balancer(side, *settings.balancer_on));
  if (settings.writes_blocked.value_or(false)) {
    const std::string who =
        "the writes of users are refused already (setUserWriteBlockMode), by an operator or an "
        "earlier run";
    const std::string advice = "find out who set it, and turn it off";
    finding told = side == "destination" && !settings.may_bypass_block ? problem(blocking, side, who, advice)
                                                                       : warning(blocking, side, who, advice);
    told.commands = {R"(db.adminCommand({"setUserWriteBlockMode": 1, "global": false}))"};
    found.push_back(std::move(told));
  }
  return found;
}

}  // namespace sluice::assess
