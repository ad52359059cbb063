#include "engine/assess/hosts.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace sluice::assess {

namespace {

constexpr check_name reachable{"hosts.reachable", heading::hosts};
constexpr check_name clock_skew{"hosts.clock", heading::hosts};

/// Each batch of a connection waits for one round trip, each window of changes for several.
constexpr double ping_ms_slow = 50;
/// The lag that is shown compares clocks, and so do logs that are read side by side.
constexpr double skew_ms_max = 2'000;
constexpr double skew_ms_told = 100;

std::string milliseconds(double ms) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), ms < 10 ? "%.1f ms" : "%.0f ms", ms);
  return text.data();
}

finding judge_host(const std::string& side, const host_facts& host) {
  const std::string subject = side + " " + host.address;
  if (host.problem.empty() && host.is_arbiter) {
    return fine(reachable, subject, "is an arbiter and answers in " + milliseconds(host.connect_ms),
                {{"connectMs", host.connect_ms}});
  }
  if (host.problem.empty()) {
    const std::vector<figure> times{{"connectMs", host.connect_ms}, {"pingMs", host.ping_ms}};
    const std::string said = std::string(host.is_primary ? "is the primary, " : "") + "connects in " +
                             milliseconds(host.connect_ms) + " and answers in " + milliseconds(host.ping_ms);
    if (host.ping_ms < ping_ms_slow) return fine(reachable, subject, said, times);
    return warning(reachable, subject, said + ", which is far away",
                   "run Sluice nearer to it (best beside the destination), or raise --connections: each waits a round "
                   "trip for each batch",
                   times);
  }
  if (host.is_arbiter) {
    return fine(reachable, subject, "is an arbiter and not reached from here, which nothing needs: " + host.problem);
  }
  if (!host.in_set) {
    return warning(reachable, subject,
                   "is named by the URI, is no member of the set, and is not reached: " + host.problem,
                   "take it out of the URI");
  }
  const std::string advice =
      "make its name known on this host (DNS, /etc/hosts) and its port reachable (firewall, VPN), or give the member "
      "another name in the set's configuration";
  if (host.is_primary) return problem(reachable, subject, "is the primary and is not reached: " + host.problem, advice);
  return warning(reachable, subject,
                 "is not reached from here: " + host.problem + ". A migration ends if it becomes the primary", advice);
}

/// One finding for a side: members whose clocks differ from each other differ from ours, too.
std::optional<finding> judge_clocks(const std::string& side, const std::vector<host_facts>& hosts) {
  const host_facts* worst = nullptr;
  for (const host_facts& host : hosts) {
    if (!host.skew_ms) continue;
    if (worst == nullptr || std::abs(*host.skew_ms) > std::abs(*worst->skew_ms)) worst = &host;
  }
  if (worst == nullptr) return {};
  const double skew = *worst->skew_ms;
  // What is less than the way there and back is not known.
  const bool known = std::abs(skew) > worst->ping_ms;
  const std::vector<figure> figures{{"skewMs", skew}};
  const std::string differs =
      worst->address + " is " + milliseconds(std::abs(skew)) + (skew < 0 ? " behind" : " ahead of") + " this host";
  if (known && std::abs(skew) > skew_ms_max) {
    return warning(clock_skew, side, "the clock of " + differs + ", so that the lag shown is wrong by as much",
                   "let NTP (chrony, systemd-timesyncd) set both", figures);
  }
  return fine(clock_skew, side, known && std::abs(skew) > skew_ms_told ? "clocks agree: " + differs : "clocks agree",
              figures);
}

}  // namespace

findings judge_hosts(const std::string& side, const std::vector<host_facts>& hosts) {
  findings found;
  for (const host_facts& host : hosts) found.push_back(judge_host(side, host));
  if (auto clocks = judge_clocks(side, hosts)) found.push_back(*std::move(clocks));
  return found;
}

finding unreachable(const std::string& side, const std::string& cause) {
  return problem({"hosts.deployment", heading::hosts}, side, cause,
                 "put right what the message names, and assess again: nothing else can be told of this side");
}

}  // namespace sluice::assess
