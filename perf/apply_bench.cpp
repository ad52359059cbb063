// How fast changes are applied: two real one-node sets, a backlog of one kind in the source's oplog, then capture and
// applier over it. Prints what the source took for the same work beside it, and judges both sides by the oracle.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <functional>
#include <future>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <sys/resource.h>
#include <unistd.h>

#include "bson/document.hpp"
#include "engine/apply/applier.hpp"
#include "engine/capture/capture.hpp"
#include "engine/runtime/lane.hpp"
#include "engine/runtime/limits.hpp"
#include "tests/lab/oracle.hpp"
#include "tests/lab/replica_set.hpp"

namespace {

using namespace std::chrono_literals;
using namespace sluice;
using clock_type = std::chrono::steady_clock;

double seconds_since(clock_type::time_point begin) {
  return std::chrono::duration<double>(clock_type::now() - begin).count();
}

double cpu_of_this_process() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

bson::document_view view_of(const lab::document& of) {
  return bson::document_view(reinterpret_cast<const std::byte*>(of.raw().data()));
}

std::uint64_t packed(bson::timestamp at) {
  return std::uint64_t{at.seconds} << 32U | at.increment;
}

/// A time of the source that everything before lies behind.
bson::timestamp fence(lab::client& source) {
  const auto reply = source.run("admin", R"({"appendOplogNote": 1, "data": {"fence": 1}})");
  return view_of(reply).find("operationTime").as_timestamp().value();
}

template <class T>
T must(result<T> outcome) {
  if (!outcome) throw std::runtime_error(outcome.error().message);
  return std::move(outcome).value();
}

wire::connection_string parsed(const std::string& uri) {
  return must(wire::connection_string::parse(uri));
}

lab::replica_set_options set_of(std::string name, bool expires = true) {
  return {.name = std::move(name),
          .server = {.version = "6.0.27",
                     .cache_gb = 2,
                     .oplog_mb = 4000,
                     .arguments = {"--setParameter", "ttlMonitorSleepSecs=1", "--setParameter",
                                   std::string("ttlMonitorEnabled=") + (expires ? "true" : "false")}}};
}

/// A result has no default, which Asio asks of what a coroutine returns.
template <class T>
std::future<std::optional<T>> started(runtime::lane& lane, task<T> work) {
  auto wrapped = [](task<T> todo) -> task<std::optional<T>> { co_return co_await std::move(todo); };
  return boost::asio::co_spawn(lane.executor(), wrapped(std::move(work)), boost::asio::use_future);
}

/// Capture and applier between two sets, until stopped; what is applied stays known from one run to the next.
class follower {
 public:
  follower(const std::string& source, const std::string& destination, bson::timestamp from) : at_(from) {
    capture_lane_.start();
    apply_lane_.start();
    source_ = must(on(apply_lane_, [&] { return cluster::discover(parsed(source), cluster::role::source, scope_); }));
    destination_ = must(
        on(apply_lane_, [&] { return cluster::discover(parsed(destination), cluster::role::destination, scope_); }));
  }
  ~follower() {
    on(apply_lane_, [&]() -> task<int> {
      store_.reset();
      co_return 0;
    });
    apply_lane_.stop();
    capture_lane_.stop();
  }

  void begin() {
    capture_scope_ = std::make_unique<runtime::cancel_scope>();
    folder_ = std::filesystem::temp_directory_path() / ("sluice-perf-apply-" + std::to_string(::getpid()));
    spool_ = on(capture_lane_, [&]() -> task<std::unique_ptr<capture::spool>> {
      capture::spool_options options;
      options.folder = folder_;
      options.run = "perf";
      auto opened = co_await capture::spool::open(capture_lane_.executor(), options, *capture_scope_);
      auto spool = must(std::move(opened));
      auto sought = co_await spool->seek(at_);
      if (!sought) throw std::runtime_error(sought.error().message);
      spool->keep_on_disk(false);
      co_return std::move(spool);
    });
    pool_ = std::make_unique<runtime::buffer_pool>(capture_lane_.executor(), limits::lane_memory_min_bytes);
    capture::capture_job job;
    job.source = source_;
    job.from = at_;
    job.patience = 30s;
    captured_ = started(capture_lane_, capture::follow(job, *spool_, *pool_, captured, *capture_scope_));
    apply::applier_options options;
    options.reading.applied = at_;
    options.reading.spill_folder = std::filesystem::temp_directory_path();
    options.writing = {.connections = 4, .patience = 30s};
    options.indexes.defer_unique_and_ttl = false;
    options.consistent_from = at_;
    apply::make_durable durable = [this](apply::checkpoint_request asked) { return store(std::move(asked)); };
    engine_ = std::make_unique<apply::applier>(apply_lane_.executor(), capture_lane_.executor(), *spool_, source_,
                                               destination_, map_, std::move(options), counters, position,
                                               std::move(durable), scope_);
    applied_ = started(apply_lane_, engine_->run());
  }
  /// Returns when everything up to `goal` is applied and durable.
  void reach(bson::timestamp goal) {
    boost::asio::post(apply_lane_.context(), [this, goal] { engine_->stop_at(goal); });
    if (must(*applied_.get()) != apply::apply_end::reached) throw std::runtime_error("an election tore it");
    at_ = goal;
  }
  void end() {
    on(apply_lane_, [&]() -> task<int> {
      engine_.reset();
      co_return 0;
    });
    boost::asio::post(capture_lane_.context(), [this] { capture_scope_->cancel(); });
    (void)captured_.get();
    on(capture_lane_, [&]() -> task<int> {
      auto removed = co_await spool_->remove();
      spool_.reset();
      pool_.reset();
      co_return removed ? 1 : 0;
    });
    capture_scope_.reset();
  }

  apply::apply_counters counters;
  apply::apply_position position;
  capture::capture_counters captured;

 private:
  template <class Work>
  static auto on(runtime::lane& lane, Work work) -> typename decltype(work())::value_type {
    return *started(lane, work()).get();
  }
  /// As durable as the session's: one majority write.
  task<result<apply::checkpoint_verdict>> store(apply::checkpoint_request asked) {
    if (!store_) {
      SLUICE_CO_TRY(store_, co_await cluster::connect_primary(destination_, scope_, 30s));
    }
    bson::builder update;
    update.append("update", "c").open_array("updates").open_document("0");
    update.open_document("q").append("_id", 1).close();
    update.open_document("u").open_document("$set").append("at", asked.applied).close().close();
    update.append("upsert", true).close().close().open_document("writeConcern").append("w", "majority").close();
    bson::document command = update.finish();
    SLUICE_CO_TRY(const auto answer, co_await store_->run("ckpt", std::move(command)));
    (void)answer;
    co_return apply::checkpoint_verdict::durable;
  }

  runtime::lane capture_lane_{"capture"};
  runtime::lane apply_lane_{"apply"};
  runtime::cancel_scope scope_;
  std::unique_ptr<runtime::cancel_scope> capture_scope_;
  cluster::deployment source_;
  cluster::deployment destination_;
  std::filesystem::path folder_;
  bson::timestamp at_;
  apply::collection_map map_;
  std::unique_ptr<wire::connection> store_;
  std::unique_ptr<capture::spool> spool_;
  std::unique_ptr<runtime::buffer_pool> pool_;
  std::unique_ptr<apply::applier> engine_;
  std::future<std::optional<result<>>> captured_;
  std::future<std::optional<result<apply::apply_end>>> applied_;
};

// --- what the source goes through ---

const std::string filler(160, 'f');

std::string new_document(int id) {
  return R"({"_id": )" + std::to_string(id) + R"(, "v": 0, "n": {"a": 1, "b": "text"}, "list": [], "fill": ")" +
         filler + "\"}";
}
/// Commands of a thousand statements each.
class statements {
 public:
  statements(lab::client& to, std::string verb, std::string list) : to_(to), verb_(verb), list_(list) {}
  ~statements() noexcept(false) { send(); }
  void add(const std::string& one) {
    text_ += (count_ == 0 ? "" : ", ") + one;
    if (++count_ == 1000) send();
  }

 private:
  void send() {
    if (count_ == 0) return;
    to_.run("d", "{\"" + verb_ + R"(": "c", ")" + list_ + "\": [" + text_ + "]}");
    text_.clear();
    count_ = 0;
  }
  lab::client& to_;
  std::string verb_;
  std::string list_;
  std::string text_;
  int count_ = 0;
};

void insert(lab::client& to, int from, int count) {
  statements out(to, "insert", "documents");
  for (int id = from; id < from + count; ++id) out.add(new_document(id));
}
std::string update_of(int id, const std::string& modifier) {
  return R"({"q": {"_id": )" + std::to_string(id) + R"(}, "u": )" + modifier + "}";
}
void update(lab::client& to, int count, int documents, const std::function<std::string(int)>& modifier) {
  statements out(to, "update", "updates");
  for (int i = 0; i < count; ++i)
    out.add(update_of(static_cast<int>(i * 7919LL % documents), modifier(i)));  // a prime: spread over all
}
void remove(lab::client& to, int from, int count) {
  statements out(to, "delete", "deletes");
  for (int id = from; id < from + count; ++id) out.add(R"({"q": {"_id": )" + std::to_string(id) + R"(}, "limit": 1})");
}
std::string set_and_inc(int i) {
  return R"({"$set": {"n.b": "t)" + std::to_string(i) + R"("}, "$inc": {"v": 1}})";
}
std::string push(int i) {
  return R"({"$push": {"list": )" + std::to_string(i) + "}}";
}

void transaction(lab::client& to, int commands) {
  bson_error_t fault;
  const std::unique_ptr<mongoc_client_session_t, void (*)(mongoc_client_session_t*)> session(
      mongoc_client_start_session(to.get(), nullptr, &fault), mongoc_client_session_destroy);
  if (!session || !mongoc_client_session_start_transaction(session.get(), nullptr, &fault))
    throw std::runtime_error(fault.message);
  const std::string big(4000, 't');
  int id = 10'000'000;
  for (int i = 0; i < commands; ++i) {
    std::string documents;
    for (int n = 0; n < 1000; ++n)
      documents += (n == 0 ? "" : ", ") + (R"({"_id": )" + std::to_string(id++) + R"(, "big": ")" + big + "\"}");
    lab::document options;
    if (!mongoc_client_session_append(session.get(), options.get(), &fault)) throw std::runtime_error(fault.message);
    const auto command = lab::document::json(R"({"insert": "c", "documents": [)" + documents + "]}");
    if (!mongoc_client_write_command_with_opts(to.get(), "d", command.get(), options.get(), nullptr, &fault))
      throw std::runtime_error(fault.message);
  }
  bson_t reply;
  const bool done = mongoc_client_session_commit_transaction(session.get(), &reply, &fault);
  bson_destroy(&reply);
  if (!done) throw std::runtime_error(fault.message);
}

struct scenario {
  const char* name;
  std::function<void(lab::client&)> before;  // on both sides when the measuring begins
  std::function<void(lab::client&)> work;
};

std::vector<scenario> scenarios() {
  const auto documents = [](int count) { return [count](lab::client& to) { insert(to, 0, count); }; };
  std::vector<scenario> all;
  all.push_back({"mixed", documents(60'000), [](lab::client& to) {
                   for (int part = 0; part < 10; ++part) {  // 40 % inserts, 45 % and 8 % updates, 7 % deletes
                     insert(to, 100'000 + part * 6'000, 6'000);
                     update(to, 6'750, 40'000, set_and_inc);
                     update(to, 1'200, 40'000, push);
                     remove(to, 40'000 + part * 1'050, 1'050);
                   }
                 }});
  all.push_back({"inserts", documents(1), [](lab::client& to) { insert(to, 100'000, 200'000); }});
  all.push_back({"hot document", documents(1), [](lab::client& to) { update(to, 100'000, 1, set_and_inc); }});
  all.push_back({"hot namespace", documents(1000), [](lab::client& to) { update(to, 200'000, 1000, set_and_inc); }});
  all.push_back({"updates", documents(100'000), [](lab::client& to) { update(to, 100'000, 100'000, set_and_inc); }});
  all.push_back({"deletes", documents(100'000), [](lab::client& to) { remove(to, 0, 100'000); }});
  all.push_back({"TTL storm",
                 [](lab::client& to) {
                   insert(to, 0, 100'000);
                   update(to, 100'000, 100'000, [](int) { return R"({"$set": {"at": {"$date": 0}}})"; });
                 },
                 [](lab::client& to) {
                   to.run("d", R"({"createIndexes": "c", "indexes": [{"key": {"at": 1}, "name": "at",
                                   "expireAfterSeconds": 1}]})");
                   while (to.count("d", "c") > 0) std::this_thread::sleep_for(50ms);
                 }});
  all.push_back({"transaction", documents(1), [](lab::client& to) { transaction(to, 20); }});
  return all;
}

// --- the measuring ---

void measure(const scenario& what) {
  lab::replica_set source(set_of("src"));
  lab::replica_set destination(set_of("dst", false));
  auto client = source.connect();
  follower between(source.uri(), destination.uri(), fence(client));
  what.before(client);
  between.begin();
  between.reach(fence(client));
  between.end();

  const double source_cpu = source.cpu_seconds();
  auto begin = clock_type::now();
  what.work(client);
  const double source_seconds = seconds_since(begin);
  const double source_spent = source.cpu_seconds() - source_cpu;
  const auto goal = fence(client);

  const auto bytes = between.captured.bytes.load();
  const auto changes = between.counters.changes.load();
  const double destination_cpu = destination.cpu_seconds();
  const double own_cpu = cpu_of_this_process();
  begin = clock_type::now();
  between.begin();
  between.reach(goal);
  const double seconds = seconds_since(begin);
  const double own = cpu_of_this_process() - own_cpu;
  const double destination_spent = destination.cpu_seconds() - destination_cpu;
  between.end();
  const auto verdict =
      lab::compare({.source_uri = source.uri(), .destination_uri = destination.uri(), .include = {"d.c"}});
  const double applied = static_cast<double>(between.counters.changes - changes);
  std::printf("| %s | %.0f | %.1f | %.2f | %.2f | %.0f | %.1f | %.2f | %.2f | %.2f | %.2f | %s |\n", what.name, applied,
              static_cast<double>(between.captured.bytes - bytes) / 1e6, source_seconds, seconds, applied / seconds,
              static_cast<double>(between.captured.bytes - bytes) / 1e6 / seconds, own, own * 1e5 / applied,
              source_spent, destination_spent, verdict.equal() ? "yes" : "NO");
  std::fflush(stdout);
  if (!verdict.equal()) std::cerr << what.name << ": " << verdict.text() << "\n";
}

/// 5,000 updates a second while they are applied: how long until a change is on the destination.
void measure_lag(int seconds) {
  lab::replica_set source(set_of("src"));
  lab::replica_set destination(set_of("dst", false));
  auto client = source.connect();
  follower between(source.uri(), destination.uri(), fence(client));
  insert(client, 0, 20'000);
  between.begin();
  std::mutex mutex;
  std::deque<std::pair<std::uint64_t, clock_type::time_point>> written;
  std::vector<double> lags;
  std::atomic<bool> done = false;
  std::thread sampler([&] {
    for (;;) {
      const bool last = done;
      {
        const std::lock_guard hold(mutex);
        while (!written.empty() && written.front().first <= between.position.applied) {
          lags.push_back(seconds_since(written.front().second) * 1000);
          written.pop_front();
        }
        if (last && written.empty()) return;
      }
      std::this_thread::sleep_for(1ms);
    }
  });
  const double own_cpu = cpu_of_this_process();
  auto next = clock_type::now();
  for (int batch = 0; batch < seconds * 100; ++batch) {
    std::string text;
    for (int i = 0; i < 50; ++i)
      text += (i == 0 ? "" : ", ") + update_of((batch * 50 + i) * 7919 % 20'000, set_and_inc(i));
    const auto reply = client.run("d", R"({"update": "c", "updates": [)" + text + "]}");
    const auto at = packed(view_of(reply).find("operationTime").as_timestamp().value());
    {
      const std::lock_guard hold(mutex);
      written.emplace_back(at, clock_type::now());
    }
    std::this_thread::sleep_until(next += 10ms);
  }
  done = true;
  sampler.join();
  const double own = cpu_of_this_process() - own_cpu;
  between.reach(fence(client));
  between.end();
  std::ranges::sort(lags);
  const auto at = [&](double part) {
    return lags[static_cast<std::size_t>(part * static_cast<double>(lags.size() - 1))];
  };
  std::printf(
      "lag of %d updates a second for %d s: p50 %.0f ms, p99 %.0f ms, most %.0f ms; CPU %.2f s with the writer\n", 5000,
      seconds, at(0.5), at(0.99), lags.back(), own);
}

}  // namespace

int main(int argc, char** argv) {
  ::mongoc_init();
  const std::string only = argc > 1 ? argv[1] : "";
  try {
    std::printf(
        "| scenario | changes | MB | source s | apply s | changes/s | MB/s | CPU s | CPU s per 100,000 | source "
        "CPU s | dest. CPU s | equal |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for (const auto& each : scenarios())
      if (only.empty() || only == each.name) measure(each);
    if (only.empty() || only == "lag") measure_lag(10);
  } catch (const std::exception& fault) {
    std::cerr << "sluice-apply-bench: " << fault.what() << "\n";
    return 1;
  }
  return 0;
}
