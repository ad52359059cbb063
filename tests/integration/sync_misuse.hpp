// What the tests share in which the real program is given something bad: how far it has come, how it ends, what it
// says.
#pragma once

#include <algorithm>
#include <csignal>

#include "tests/integration/sync_program.hpp"
#include "tests/unit/http/raw_client.hpp"

namespace sluice::session::testing {

inline constexpr const char* checkpoint_database = "__mdb_internal_sluice";

/// The phase that the checkpoint of a run has come to.
inline std::string stored_phase(const pair_of_sets& sets) {
  return sets.destination.connect()
      .run(checkpoint_database, R"({"find": "run", "limit": 1})")
      .text("cursor.firstBatch.0.phase");
}

/// Inserts of the destination take their time: a copy stays one.
inline void slow_inserts(const pair_of_sets& sets, bool on) {
  sets.destination.connect().run("admin", on ? R"({"configureFailPoint": "failCommand", "mode": "alwaysOn", "data":
                      {"failCommands": ["insert"], "blockConnection": true, "blockTimeMS": 300}})"
                                             : R"({"configureFailPoint": "failCommand", "mode": "off"})");
}

/// A server goes on with the inserts of a client that is gone, slow ones for a while.
inline bool inserts_end(const pair_of_sets& sets) {
  auto server = sets.destination.connect();
  return lab::eventually(
      [&] {
        const auto running = server.run("admin", R"({"currentOp": 1, "command.insert": {"$exists": true}})");
        return running.child("inprog").elements().empty();
      },
      std::chrono::seconds(30));
}

inline void expect_said(const lab::sluice_program& by, const std::vector<std::string>& words) {
  const auto output = by.output();
  for (const auto& each : words) {
    EXPECT_NE(output.find(each), std::string::npos) << "'" << each << "' is not in:\n" << output;
  }
}

/// Ends by itself, unsuccessfully, in these words.
inline void expect_refusal(lab::sluice_program& run, const std::vector<std::string>& words) {
  const auto ended = run.wait(60s);
  EXPECT_EQ(ended.signal, 0) << run.output();
  EXPECT_NE(ended.code, 0) << run.output();
  expect_said(run, words);
}

inline void expect_success(lab::sluice_program& run) {
  const auto ended = run.wait(90s);
  EXPECT_TRUE(ended.success()) << run.output();
}

/// Until the run that `sluice run` works on is there.
inline bool reaches(lab::sluice_program& run, const pair_of_sets& sets, const std::string& phase) {
  return lab::eventually([&] { return stored_phase(sets) == phase || !run.process().running(); }, 60s) &&
         run.process().running();
}

/// SIGTERM, as before a restart of the machine.
inline void stop(lab::sluice_program& run) {
  run.process().signal(SIGTERM);
  EXPECT_EQ(run.wait(30s).code, 130) << run.output();
}

inline bool warns(const sync_session& run, const std::string& words) {
  const auto told = run.snapshot(false).warnings;
  return std::ranges::any_of(told, [&](const auto& one) { return one.find(words) != std::string::npos; });
}

/// The API of a `sluice run` on this port.
inline http::test::raw_reply call(std::uint16_t port, const std::string& name, const std::string& body = "{}") {
  http::test::raw_client client(port);
  const std::string method = name == "progress" ? "GET" : "POST";
  client.send(method + " /api/v1/" + name + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
              std::to_string(method == "GET" ? 0 : body.size()) + "\r\n\r\n" + (method == "GET" ? "" : body));
  return client.read_reply();
}
inline lab::document progress_at(std::uint16_t port) {
  const auto reply = call(port, "progress");
  return reply.status == 200 ? lab::document::json(reply.body).child("progress") : lab::document{};
}

}  // namespace sluice::session::testing
