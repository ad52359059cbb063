// A batch on its way through the copy: a cursor's reply becomes an insert (head, array, final zero), by the engine's
// own cursor and insert over a connection that has every reply already. What is left is what a batch costs besides the
// kernel.
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include <benchmark/benchmark.h>

#include "bench/documents.hpp"
#include "bench/hot_path.hpp"
#include "bench/one_lane.hpp"
#include "bench/prepared_reply.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/wire/bulk_write.hpp"
#include "engine/wire/cursor.hpp"

namespace sluice::bench {

namespace {

constexpr std::size_t batches_a_round = 100;

/// Encodes what it is given and answers at once, always the same.
class prepared_connection final : public wire::connection {
 public:
  /// `first` answers the first command, `following` whatever comes after it.
  prepared_connection(prepared_reply first, prepared_reply following)
      : first_(std::move(first)), following_(std::move(following)) {}

  task<result<wire::reply>> run(std::string_view, bson::document, std::chrono::milliseconds) override {
    co_return failure(error_kind::protocol, "nothing is prepared for run()");
  }
  task<result<wire::reply>> run_with_array(std::string_view database, bson::document head, std::string_view array_name,
                                           bson::bytes_view array) override {
    SLUICE_CO_TRYV(request_.encode_with_array(reply_id, database, head, array_name, array));
    benchmark::DoNotOptimize(request_.parts().data());
    co_return co_await answer(nullptr);
  }
  task<result<>> send(std::string_view database, bson::document command, bool exhaust_allowed) override {
    co_return request_.encode(reply_id, database, command, exhaust_allowed);
  }
  task<result<wire::reply>> receive(runtime::buffer_pool& pool, std::chrono::milliseconds) override {
    return answer(&pool);
  }
  void close() noexcept override {}
  [[nodiscard]] bool is_open() const noexcept override { return true; }
  [[nodiscard]] const wire::host_port& host() const noexcept override { return host_; }
  [[nodiscard]] const wire::server_hello& hello() const noexcept override { return hello_; }
  [[nodiscard]] const wire::connection_string& uri() const noexcept override { return uri_; }
  [[nodiscard]] traffic transferred() const noexcept override { return {}; }

 private:
  /// As the connection with a socket does it.
  task<result<wire::reply>> answer(runtime::buffer_pool* pool) {
    prepared_reply& from = std::exchange(opened_, true) ? following_ : first_;
    runtime::buffer memory;
    from.start();
    reader_.start(reply_id);
    while (reader_.next() != wire::reply_reader::step::done) {
      if (reader_.next() == wire::reply_reader::step::memory) {
        if (pool != nullptr) {
          SLUICE_CO_TRY(memory, co_await pool->acquire(reader_.memory_bytes(), scope_));
        } else {
          memory = runtime::heap_buffer(reader_.memory_bytes());
        }
        reader_.give(memory.span());
        continue;
      }
      const auto into = reader_.into();
      from.fill(into);
      SLUICE_CO_TRYV(reader_.received(into.size()));
    }
    const auto batches = pool != nullptr ? wire::batch_check::frame : wire::batch_check::documents;
    SLUICE_CO_TRY(const wire::message said, reader_.take(batches));
    wire::reply whole{.memory = std::move(memory), .body = said.body, .more_to_come = said.more_to_come};
    co_return whole;
  }

  prepared_reply first_;
  prepared_reply following_;
  bool opened_ = false;
  runtime::cancel_scope scope_;
  wire::request request_;
  wire::reply_reader reader_;
  wire::host_port host_{.host = "prepared"};
  wire::server_hello hello_;
  wire::connection_string uri_;
};

struct copy_of_batches {
  explicit copy_of_batches(std::size_t documents)
      : source(prepared_reply(cursor_reply("firstBatch", bson::document())),
               prepared_reply(cursor_reply("nextBatch", lim_array(documents)), more_to_come)),
        destination(prepared_reply(insert_reply(static_cast<std::int32_t>(documents))),
                    prepared_reply(insert_reply(static_cast<std::int32_t>(documents)))) {}

  task<void> open() {
    bson::builder find;
    find.append("find", "docs");
    bson::document command = find.finish();
    must(co_await cursor.open(std::move(command)));
  }
  task<void> hand_on(round_work& done) {
    for (std::size_t each = 0; each < batches_a_round; ++each) {
      auto got = co_await cursor.next();
      if (got.has_error() || !got.value()) std::abort();
      const wire::batch batch = *std::move(got).value();
      const bson::bytes_view documents = batch.documents;
      auto sent = co_await wire::insert(destination, "lim", "docs", documents, {.bypass_empty_timestamp = true});
      if (sent.has_error()) std::abort();
      ++done.items;
      done.bytes += documents.size();
    }
  }

  one_lane lane;
  runtime::buffer_pool pool{lane.executor(), limits::lane_memory_min_bytes};
  prepared_connection source;
  prepared_connection destination;
  wire::cursor cursor{source, pool, "lim", {.batch_documents = limits::batch_documents_max, .exhaust = true}};
};

round hand_over(std::size_t documents) {
  auto kept = std::make_shared<copy_of_batches>(documents);
  kept->lane.run(kept->open());
  return [kept] {
    round_work done;
    kept->lane.run(kept->hand_on(done));
    return done;
  };
}

}  // namespace

/// The two should cost the same: documents are not looked at.
void add_batch(hot_paths& to) {
  to.push_back({"batch/hand_over_100_documents", [] { return hand_over(100); }});
  to.push_back({"batch/hand_over_4000_documents", [] { return hand_over(4000); }});
}

}  // namespace sluice::bench
