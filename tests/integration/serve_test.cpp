// `sluice` as a server: the HTTP API of the real program between real servers, as an operator's scripts use it.
#include <csignal>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/integration/sluice_program.hpp"
#include "tests/lab/dataset.hpp"
#include "tests/lab/oracle.hpp"
#include "tests/lab/replica_set.hpp"
#include "tests/unit/http/exposition.hpp"
#include "tests/unit/http/raw_client.hpp"

namespace sluice::lab {
namespace {

using std::chrono::seconds;

constexpr const char* start_body = R"({"source": "cluster0", "destination": "cluster1"})";

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct answer {
  int status = 0;
  document body;
};

/// The program with its port, ready to answer.
class server {
 public:
  server(const std::string& cluster0, const std::string& cluster1, const std::vector<std::string>& more = {})
      : port_(free_port()), program_(arguments(cluster0, cluster1, port_, more)) {
    const bool ready = eventually(
        [&] { return !program_.process().running() || http::test::raw_client(port_).connected(); }, seconds(20));
    if (!ready || !program_.process().running()) throw failure("sluice does not serve: " + program_.output());
    // It looks for a run of an earlier process first.
    if (!eventually([&] { return progress().text("state") != "INITIALIZING"; }, seconds(60))) {
      throw failure("sluice does not get ready: " + program_.output());
    }
  }

  answer call(const std::string& method, const std::string& path, const std::string& body = {}) const {
    return send(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body);
  }
  /// Any bytes at all; status 0 when there was no reply.
  answer send(std::string_view bytes) const {
    http::test::raw_client client(port_);
    client.send(bytes);
    const auto reply = client.read_reply();
    return {reply.status, reply.status == 0 ? document{} : document::json(reply.body)};
  }
  /// A number of /metrics; -1 when there is none of this name (and labels, as written).
  double metric(const std::string& name) const {
    http::test::raw_client client(port_);
    client.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const std::string text = client.read_reply().body;
    EXPECT_EQ(http::test::read_exposition(text).complaints, std::vector<std::string>{});
    const std::size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  }
  answer start(const char* body = start_body) const { return call("POST", "/api/v1/start", body); }
  document progress() const { return call("GET", "/api/v1/progress").body.child("progress"); }
  /// The progress as soon as `condition` holds for it; the last one when it never does.
  template <class Condition>
  document progress_when(Condition condition) const {
    document now;
    eventually([&] { return condition(now = progress()) || now.text("state") == "FAILED"; }, seconds(60));
    return now;
  }
  /// SIGTERM, and how the process ends.
  exit_status terminate() {
    program_.process().signal(SIGTERM);
    return wait();
  }
  exit_status wait() { return program_.wait(seconds(30)); }
  std::string output() const { return program_.output(); }
  std::string port() const { return std::to_string(port_); }

 private:
  static std::vector<std::string> arguments(const std::string& cluster0, const std::string& cluster1,
                                            std::uint16_t port, const std::vector<std::string>& more) {
    std::vector<std::string> all{"--cluster0", cluster0, "--cluster1", cluster1, "--port", std::to_string(port)};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  std::uint16_t port_;
  sluice_program program_;
};

bool is_copied(const document& progress) {
  const std::string info = progress.text("info");
  return info == "copy completed" || info == "change event application";
}

std::set<std::string> names_of(const document& object) {
  std::set<std::string> names;
  bson_iter_t field;
  if (bson_iter_init(&field, object.get())) {
    while (bson_iter_next(&field)) names.insert(bson_iter_key(&field));
  }
  return names;
}

bool is_null(const document& object, const char* name) {
  bson_iter_t field;
  return bson_iter_init_find(&field, object.get(), name) && BSON_ITER_HOLDS_NULL(&field);
}

void expect_refusal(const answer& got, int status, const std::string& name) {
  EXPECT_EQ(got.status, status) << to_text(*got.body.get());
  EXPECT_TRUE(got.body.has("success"));
  EXPECT_FALSE(got.body.boolean("success"));
  EXPECT_EQ(got.body.text("error"), name) << to_text(*got.body.get());
  EXPECT_FALSE(got.body.text("errorDescription").empty());
}

class serve : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    first = std::make_unique<replica_set>(replica_set_options{.name = "first"});
    second = std::make_unique<replica_set>(replica_set_options{.name = "second"});
  }
  static void TearDownTestSuite() {
    first.reset();
    second.reset();
  }
  void SetUp() override {
    for (replica_set* set : {first.get(), second.get()}) {
      client cleaner = set->connect();
      drop_user_data(cleaner);
      cleaner.run("__mdb_internal_sluice", R"({"dropDatabase": 1})");
    }
  }
  static void slow_inserts(bool on) {
    second->connect().run("admin", on ? R"({"configureFailPoint": "failCommand", "mode": "alwaysOn",
                          "data": {"failCommands": ["insert"], "blockConnection": true, "blockTimeMS": 200}})"
                                      : R"({"configureFailPoint": "failCommand", "mode": "off"})");
  }
  static void expect_equal(replica_set& source, replica_set& destination) {
    const comparison verdict = compare({.source_uri = source.uri(), .destination_uri = destination.uri()});
    EXPECT_TRUE(verdict.equal()) << verdict.text();
    EXPECT_GT(verdict.documents, 0U);
  }

  static inline std::unique_ptr<replica_set> first;
  static inline std::unique_ptr<replica_set> second;
};

TEST_F(serve, idle_has_every_field_and_leaves_on_sigterm) {
  server sluice(first->uri(), second->uri());
  const answer got = sluice.call("GET", "/api/v1/progress");
  EXPECT_EQ(got.status, 200);
  EXPECT_TRUE(got.body.boolean("success"));
  const document progress = got.body.child("progress");
  EXPECT_EQ(progress.text("state"), "IDLE");
  EXPECT_TRUE(progress.has("canCommit"));
  EXPECT_FALSE(progress.boolean("canCommit"));
  for (const char* name : {"canWrite", "info", "phase", "lag", "lagTimeSeconds", "totalEventsApplied", "collectionCopy",
                           "collectionsCopy", "estimatedTotalSecondsToComplete", "directionMapping", "source",
                           "destination", "mongosyncID", "coordinatorID"}) {
    EXPECT_TRUE(is_null(progress, name)) << name;
  }
  const exit_status ended = sluice.terminate();
  EXPECT_TRUE(ended.success()) << ended.code << " " << sluice.output();
  EXPECT_EQ(second->connect().count("__mdb_internal_sluice", "run"), 0) << "it wrote before it was started";
}

TEST_F(serve, a_copy_from_start_to_end) {
  load_lim(first->uri(), {.documents = 30'000});
  first->connect().run("lim", R"({"createIndexes": "docs", "indexes": [{"key": {"name": 1}, "name": "name_1"}]})");
  server sluice(first->uri(), second->uri());
  slow_inserts(true);
  const answer started = sluice.start();
  EXPECT_EQ(started.status, 200) << to_text(*started.body.get());
  EXPECT_TRUE(started.body.boolean("success"));
  EXPECT_EQ(names_of(started.body), std::set<std::string>{"success"});
  EXPECT_NE(sluice.progress().text("state"), "IDLE") << "the reply came before the start";

  const document during =
      sluice.progress_when([](const document& now) { return now.integer("collectionCopy.estimatedCopiedBytes") > 0; });
  expect_refusal(sluice.start(), 409, "IllegalState");
  EXPECT_EQ(during.text("state"), "RUNNING");
  EXPECT_EQ(during.text("info"), "collection copy");
  EXPECT_EQ(during.text("phase"), "collection copy");
  EXPECT_FALSE(during.boolean("canWrite"));
  EXPECT_GT(during.integer("collectionCopy.estimatedTotalBytes"), 20'000'000);
  EXPECT_EQ(during.integer("collectionsCopy.estimatedDocumentCounts.total"), 30'000);
  EXPECT_GT(during.integer("collectionsCopy.estimatedDocumentCounts.copied"), 0);
  EXPECT_EQ(during.text("directionMapping.Source"), "cluster0: " + first->node(0).address());
  EXPECT_EQ(during.text("directionMapping.Destination"), "cluster1: " + second->node(0).address());
  EXPECT_EQ(during.text("mongosyncID"), "coordinator");
  EXPECT_EQ(during.text("coordinatorID"), "coordinator");
  for (const char* name : {"canCommit", "canWrite", "lag", "lagTimeSeconds", "totalEventsApplied", "source",
                           "destination", "estimatedTotalSecondsToComplete"}) {
    EXPECT_TRUE(during.has(name)) << name;
  }
  slow_inserts(false);

  const document after = sluice.progress_when(is_copied);
  EXPECT_TRUE(is_copied(after)) << to_text(*after.get()) << sluice.output();
  EXPECT_EQ(after.integer("collectionCopy.estimatedCopiedBytes"), after.integer("collectionCopy.estimatedTotalBytes"));
  EXPECT_EQ(after.integer("collectionsCopy.estimatedDocumentCounts.copied"), 30'000);
  EXPECT_FALSE(after.has("error"));
  const document page = sluice.call("GET", "/api/v1/namespaces?limit=1&sort=size").body;
  EXPECT_EQ(page.integer("total"), 1);
  EXPECT_EQ(page.text("namespaces.0.namespace"), "lim.docs") << to_text(*page.get());
  EXPECT_EQ(page.integer("namespaces.0.copiedDocuments"), 30'000);
  expect_equal(*first, *second);

  EXPECT_EQ(sluice.metric("sluice_copy_copied_documents"), 30'000);
  EXPECT_GT(sluice.metric("sluice_copy_batch_duration_seconds_count"), 0);
  EXPECT_GT(sluice.metric("sluice_copy_batch_duration_seconds_sum"), 0.2) << "inserts were held up for so long, once";
  first->connect().run("lim", R"({"insert": "docs", "documents": [{"_id": "one more"}]})");
  EXPECT_TRUE(eventually([&] { return sluice.metric("sluice_writes_total{operation=\"insert\"}") == 1; }, seconds(30)));
  EXPECT_GT(sluice.metric("sluice_apply_window_duration_seconds_count"), 0);
  EXPECT_EQ(sluice.terminate().signal, 0) << sluice.output();
}

TEST_F(serve, either_cluster_may_be_the_source) {
  load_lim(second->uri(), {.documents = 500});
  server sluice(first->uri(), second->uri());
  EXPECT_EQ(sluice.start(R"({"source": "cluster1", "destination": "cluster0"})").status, 200);
  const document after = sluice.progress_when(is_copied);
  EXPECT_TRUE(is_copied(after)) << to_text(*after.get()) << sluice.output();
  EXPECT_EQ(after.text("directionMapping.Source"), "cluster1: " + second->node(0).address());
  EXPECT_EQ(after.text("directionMapping.Destination"), "cluster0: " + first->node(0).address());
  expect_equal(*second, *first);
}

TEST_F(serve, stopped_in_the_middle_it_goes_on_when_it_is_started_again) {
  load_lim(first->uri(), {.documents = 30'000});
  {
    server sluice(first->uri(), second->uri());
    slow_inserts(true);
    EXPECT_EQ(sluice.start().status, 200);
    const document during = sluice.progress_when(
        [](const document& now) { return now.integer("collectionCopy.estimatedCopiedBytes") > 0; });
    EXPECT_EQ(during.text("state"), "RUNNING") << to_text(*during.get());
    const exit_status ended = sluice.terminate();
    EXPECT_EQ(ended.signal, 0);
    EXPECT_EQ(ended.code, 130) << sluice.output();
    slow_inserts(false);
  }
  EXPECT_GT(second->connect().count("__mdb_internal_sluice", "run"), 0) << "nothing is left to go on with";
  server sluice(first->uri(), second->uri());
  // A server that finds its run may go on by itself, or wait to be told; asking twice does no harm.
  if (sluice.progress().text("state") == "IDLE") {
    EXPECT_EQ(sluice.start().status, 200);
  }
  const document after = sluice.progress_when(is_copied);
  EXPECT_TRUE(is_copied(after)) << to_text(*after.get()) << sluice.output();
  expect_equal(*first, *second);
}

TEST_F(serve, wrong_requests_are_answered_and_change_nothing) {
  server sluice(first->uri(), second->uri());
  const std::string to_start = "/api/v1/start";
  expect_refusal(sluice.start("{\"source\": "), 400, "InvalidJSON");
  expect_refusal(sluice.start("[]"), 400, "InvalidJSON");
  expect_refusal(sluice.start(R"({"source": "cluster0"})"), 400, "MissingField");
  expect_refusal(sluice.start(R"({"source": 1, "destination": "cluster1"})"), 400, "WrongType");
  expect_refusal(sluice.start(R"({"source": "cluster0", "destination": "cluster0"})"), 400, "BadValue");
  const answer unknown = sluice.start(R"({"source": "cluster0", "destination": "cluster1", "verificaton": {}})");
  expect_refusal(unknown, 400, "UnknownField");
  EXPECT_TRUE(holds(unknown.body.text("errorDescription"), "verification")) << to_text(*unknown.body.get());
  for (const char* call : {"/api/v1/pause", "/api/v1/resume", "/api/v1/commit"}) {
    expect_refusal(sluice.call("POST", call, R"({"now": true})"), 400, "UnknownField");
    expect_refusal(sluice.call("GET", call), 405, "MethodNotAllowed");
  }
  expect_refusal(sluice.call("GET", "/api/v1/namespaces?limit=all"), 400, "BadParameter");
  expect_refusal(sluice.call("GET", "/api/v1/nothing"), 404, "NotFound");
  expect_refusal(sluice.call("GET", to_start), 405, "MethodNotAllowed");
  expect_refusal(sluice.call("POST", "/api/v1/progress", "{}"), 405, "MethodNotAllowed");
  constexpr std::size_t much_bytes = 10'000'000;
  std::string much;
  much.resize(much_bytes, 'x');
  for (const answer& got : {sluice.call("POST", to_start, much), sluice.send("POST\r\n\r\n"),
                            sluice.send("\x16\x03\x01 no HTTP at all\r\n\r\n")}) {
    EXPECT_GE(got.status, 400);
    EXPECT_LT(got.status, 500);
    EXPECT_FALSE(got.body.boolean("success"));
    EXPECT_FALSE(got.body.text("error").empty());
  }
  EXPECT_EQ(sluice.progress().text("state"), "IDLE");
  EXPECT_TRUE(sluice.terminate().success()) << sluice.output();
}

/// Another `sluice`, in the operator's other terminal.
struct ended {
  int code = -1;
  std::string output;
};
ended other_terminal(std::vector<std::string> arguments) {
  sluice_program program(std::move(arguments));
  const exit_status status = program.wait(seconds(30));
  return {status.signal != 0 ? -status.signal : status.code, program.output()};
}

TEST_F(serve, commands_ask_a_running_server) {
  load_lim(first->uri(), {.documents = 500});
  server sluice(first->uri(), second->uri());
  const ended idle = other_terminal({"status", "--port", sluice.port()});
  EXPECT_EQ(idle.code, 0) << idle.output;
  EXPECT_TRUE(holds(idle.output, "IDLE")) << idle.output;
  const ended refused = other_terminal({"pause", "--wait", "--url", "http://localhost:" + sluice.port()});
  EXPECT_EQ(refused.code, 3) << refused.output;
  EXPECT_EQ(sluice.start().status, 200);
  EXPECT_TRUE(is_copied(sluice.progress_when(is_copied)));
  const ended after = other_terminal({"status", "--json", "--port", sluice.port()});
  EXPECT_EQ(after.code, 0) << after.output;
  EXPECT_EQ(document::json(after.output).integer("progress.collectionsCopy.estimatedDocumentCounts.copied"), 500);
}

TEST_F(serve, commands_name_the_address_where_nobody_answers) {
  const std::string port = std::to_string(free_port());
  for (const char* command : {"status", "pause", "resume", "commit"}) {
    const ended got = other_terminal({command, "--port", port});
    EXPECT_EQ(got.code, 1) << got.output;
    EXPECT_TRUE(holds(got.output, "no sluice answers at 127.0.0.1:" + port)) << got.output;
  }
  EXPECT_EQ(other_terminal({"status", "--url", "ftp://localhost"}).code, 2);
}

TEST_F(serve, a_start_that_cannot_work_is_answered_with_the_reason) {
  const std::string secret = "hunter2-s3cret";
  const std::string nobody = "mongodb://al:" + secret + "@127.0.0.1:" + std::to_string(free_port()) +
                             "/?replicaSet=a&serverSelectionTimeoutMS=500";
  server sluice(nobody, second->uri());
  const answer got = sluice.start();
  expect_refusal(got, 400, "HostUnreachable");
  EXPECT_TRUE(holds(got.body.text("errorDescription"), "127.0.0.1:")) << to_text(*got.body.get());
  const document after = sluice.progress();
  EXPECT_EQ(after.text("state"), "IDLE") << to_text(*after.get());
  EXPECT_TRUE(holds(after.text("error.message"), "127.0.0.1:")) << to_text(*after.get());
  EXPECT_EQ(sluice.call("GET", "/readyz").status, 200);
  const exit_status ended = sluice.terminate();
  EXPECT_EQ(ended.code, 0) << sluice.output();
  EXPECT_FALSE(holds(to_text(*after.get(), 100'000), secret));
  EXPECT_FALSE(holds(sluice.output(), secret)) << sluice.output();
}

TEST_F(serve, a_start_may_be_tried_again_when_the_cause_is_gone) {
  load_lim(first->uri(), {.documents = 500});
  second->connect().run("lim", R"({"create": "docs"})");
  server sluice(first->uri(), second->uri());
  const answer refused = sluice.start(
      R"({"source": "cluster0", "destination": "cluster1", "excludeNamespaces": [{"database": "nobody"}]})");
  expect_refusal(refused, 400, "StartRefused");
  EXPECT_TRUE(holds(refused.body.text("errorDescription"), "lim.docs")) << to_text(*refused.body.get());
  EXPECT_EQ(sluice.progress().text("state"), "IDLE");
  EXPECT_EQ(second->connect().count("__mdb_internal_sluice", "run"), 0) << "a refused start left something behind";
  const answer backwards = sluice.start(R"({"source": "cluster1", "destination": "cluster0"})");
  expect_refusal(backwards, 400, "StartRefused");

  second->connect().run("lim", R"({"drop": "docs"})");
  EXPECT_EQ(sluice.start().status, 200);
  const document after = sluice.progress_when(is_copied);
  EXPECT_TRUE(is_copied(after)) << to_text(*after.get());
  EXPECT_FALSE(after.has("error")) << "the error of an earlier start";
  EXPECT_EQ(after.text("directionMapping.Source"), "cluster0: " + first->node(0).address());
  expect_equal(*first, *second);
  EXPECT_EQ(sluice.terminate().signal, 0);
}

/// A run whose destination has gone away for longer than it waits.
class failed_run : public serve {
 protected:
  static constexpr auto patience = "1";

  static void fail(const server& sluice) {
    load_lim(first->uri(), {.documents = 30'000});
    slow_inserts(true);
    ASSERT_EQ(sluice.start().status, 200);
    sluice.progress_when([](const document& now) { return now.integer("collectionCopy.estimatedCopiedBytes") > 0; });
    second->node(0).kill();
  }
  static void mend() { second->restart(); }
};

TEST_F(failed_run, stays_visible_and_is_resumed_by_a_call) {
  server sluice(first->uri(), second->uri(), {"--retry-seconds", patience});
  fail(sluice);
  const document failed = sluice.progress_when([](const document&) { return false; });
  EXPECT_EQ(failed.text("state"), "FAILED") << to_text(*failed.get());
  EXPECT_TRUE(failed.has("error"));
  EXPECT_EQ(sluice.call("GET", "/healthz").status, 200);
  EXPECT_EQ(sluice.call("GET", "/readyz").status, 503);
  expect_refusal(sluice.start(), 409, "IllegalState");
  mend();
  EXPECT_EQ(sluice.call("POST", "/api/v1/resume").status, 200);
  document after;
  EXPECT_TRUE(eventually([&] { return is_copied(after = sluice.progress()); }, seconds(60))) << to_text(*after.get());
  EXPECT_EQ(after.text("state"), "RUNNING");
  EXPECT_FALSE(after.has("error")) << to_text(*after.get());
  expect_equal(*first, *second);
  EXPECT_EQ(sluice.terminate().code, 130) << sluice.output();
}

TEST_F(failed_run, ends_the_process_where_a_supervisor_waits_for_that) {
  {
    server sluice(first->uri(), second->uri(), {"--retry-seconds", patience, "--exit-on-error"});
    fail(sluice);
    EXPECT_EQ(sluice.wait().code, 1) << sluice.output();
  }
  // The machine of the destination comes up after the one of the program.
  server again(first->uri(), second->uri() + "&serverSelectionTimeoutMS=500");
  EXPECT_EQ(again.progress().text("state"), "IDLE");
  mend();
  document after;
  EXPECT_TRUE(eventually([&] { return is_copied(after = again.progress()); }, seconds(60))) << to_text(*after.get());
  expect_equal(*first, *second);
  EXPECT_EQ(again.terminate().code, 130) << again.output();
}

TEST_F(serve, a_run_of_an_earlier_process_waits_to_be_started_where_that_is_wanted) {
  load_lim(first->uri(), {.documents = 500});
  {
    server sluice(first->uri(), second->uri());
    EXPECT_EQ(sluice.start().status, 200);
    EXPECT_TRUE(is_copied(sluice.progress_when(is_copied)));
    sluice.terminate();
  }
  first->connect().run("lim", R"({"insert": "docs", "documents": [{"_id": "meanwhile"}]})");
  server again(first->uri(), second->uri(), {"--no-auto-resume"});
  EXPECT_EQ(again.progress().text("state"), "IDLE");
  EXPECT_EQ(second->connect().count("lim", "docs"), 500);
  EXPECT_EQ(again.start().status, 200);
  EXPECT_TRUE(eventually([] { return second->connect().count("lim", "docs") == 501; }, seconds(30)));
  EXPECT_TRUE(eventually([&] { return again.progress().integer("totalEventsApplied") == 1; }, seconds(30)))
      << "it copied again instead of going on";
  again.terminate();
}

TEST_F(serve, its_log_tells_how_the_run_goes_under_the_original_s_messages) {
  load_lim(first->uri(), {.documents = 500});
  server sluice(first->uri(), second->uri());
  EXPECT_EQ(sluice.start().status, 200);
  EXPECT_TRUE(is_copied(sluice.progress_when(is_copied)));
  EXPECT_TRUE(eventually([&] { return holds(sluice.output(), "totalEventsApplied"); }, seconds(10)));
  EXPECT_TRUE(sluice.progress_when([](const document& now) { return now.boolean("canCommit"); }).boolean("canCommit"));
  EXPECT_EQ(sluice.call("POST", "/api/v1/commit").status, 200);
  EXPECT_EQ(sluice.progress_when([](const document& now) { return now.text("state") == "COMMITTED"; }).text("state"),
            "COMMITTED");
  EXPECT_TRUE(eventually([&] { return holds(sluice.output(), "srcCRUDEventsPerSec"); }, seconds(10)));
  sluice.terminate();
  const std::string log = sluice.output();
  for (const char* message :
       {"Version info", "Mongosync Options", "Received request", "sent response",
        "Starting initializing collections and indexes phase", "Starting initializing partitions phase",
        "Starting collection copy phase", "Starting change event application phase", "Replication progress.",
        "Operation duration stats.", "Average Source CRUD events rate", "Commit handler called"}) {
    EXPECT_TRUE(holds(log, "\"message\":\"" + std::string(message) + "\"")) << message << "\n" << log;
  }
  EXPECT_TRUE(holds(log, "\"verifierSrcLagTimeSeconds\":0")) << log;
  for (const char* operation :
       {"CollectionCopySourceRead", "CollectionCopyDestinationWrite", "CEASourceRead", "CEADestinationWrite"}) {
    EXPECT_TRUE(holds(log, "\"" + std::string(operation) + "\":{\"averageDurationMs\":")) << operation;
  }
  // What the vendor's log viewer reads of every line: a time with six digits, and these beside "Replication progress.".
  std::istringstream lines(log);
  const std::regex time("\"time\":\"\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}Z\"");
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("{")) continue;
    EXPECT_TRUE(std::regex_search(line, time)) << line;
    if (!holds(line, "\"Replication progress.\"")) continue;
    EXPECT_TRUE(holds(line, "\"totalEventsApplied\":") && holds(line, "\"lagTimeSeconds\":")) << line;
  }
  EXPECT_TRUE(holds(log, "\"Completed writing 1 / 1 partitions to destination cluster\"")) << log;
}

TEST_F(serve, its_log_tells_how_collections_are_cut_at_debug) {
  load_lim(first->uri(), {.documents = 100'000});
  client source(first->uri());
  source.run("d", R"({"insert": "small", "documents": [{}]})");
  source.run("d", R"({"create": "capped", "capped": true, "size": 4096})");
  server sluice(first->uri(), second->uri(), {"--verbosity", "DEBUG"});
  EXPECT_EQ(sluice.start().status, 200);
  EXPECT_TRUE(is_copied(sluice.progress_when(is_copied)));
  sluice.terminate();
  const std::string log = sluice.output();
  for (const char* words :
       {"\"Pre-sampling information\",\"database\":\"lim\",\"collection\":\"docs\",\"collectionDocCount\":100000,",
        "\"Creating initial partitions for non-capped collection\",\"database\":\"lim\",",
        "\"collection\":\"docs\",\"partition\":{\"partition\":{\"db\":\"lim\",\"coll\":\"docs\"},\"number\":1,",
        "\"collection\":\"small\",\"reason\":\"Small collection.\"",
        "\"collection\":\"capped\",\"reason\":\"Capped collection.\""}) {
    EXPECT_TRUE(holds(log, words)) << words;
  }
}

}  // namespace
}  // namespace sluice::lab
