// Batches that the destination refuses: what is there all the same is a duplicate, what is not is recorded by `_id`.
#include "engine/copy/batch_insert.hpp"

#include <optional>
#include <stdexcept>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "engine/runtime/limits.hpp"
#include "tests/loopback/server.hpp"

namespace sluice::copy {
namespace {

class batch_insert : public testing::Test {
 protected:
  batch_insert() {
    what_.ns = what_.data_ns = {"shop", "orders"};
    const auto uri = wire::connection_string::parse(server_.uri());
    auto found = run(cluster::discover(uri.value(), cluster::role::destination, scope_));
    if (!found) throw std::runtime_error(found.error().message);
    deployment_ = std::move(found.value());
  }
  template <class T>
  T run(task<T> work) {
    std::optional<T> value;
    auto body = [](task<T> todo, std::optional<T>* out) -> task<void> { out->emplace(co_await std::move(todo)); };
    boost::asio::co_spawn(lane_, body(std::move(work), &value), [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    lane_.run();
    lane_.restart();
    return std::move(*value);
  }
  /// Documents with the `_id`s from 0 on, as one batch.
  batch_outcome insert(int count) {
    bson::builder array;
    for (int i = 0; i < count; ++i) array.open_document(std::to_string(i)).append("_id", i).close();
    const bson::document batch = array.finish();
    worker w{deployment_, deployment_, pool_, scope_, refused_, std::chrono::seconds(5)};
    auto outcome = run(insert_batch(w, what_, batch.bytes()));
    if (!outcome) throw std::runtime_error(outcome.error().message);
    return outcome.value();
  }
  /// Every insert from now on is refused as a whole.
  void refuse_all() { server_.inject(loopback::fault::parse("insert:*:error:50840:Location50840")); }

  loopback::server server_{{.stored_databases = {"shop"}}};
  boost::asio::io_context lane_;
  runtime::cancel_scope scope_;
  runtime::buffer_pool pool_{lane_.get_executor(), limits::lane_memory_min_bytes};
  refused_list refused_;
  cluster::deployment deployment_;
  plan::partition what_;
};

TEST_F(batch_insert, documents_that_come_again_are_duplicates) {
  EXPECT_EQ(insert(3).duplicates, 0);
  const auto again = insert(4);
  EXPECT_EQ(again.documents, 4);
  EXPECT_EQ(again.duplicates, 3);
  EXPECT_EQ(server_.documents("shop.orders"), 4U);
}

TEST_F(batch_insert, a_command_that_is_refused_is_cut_down_to_the_documents_that_are_missing) {
  EXPECT_EQ(insert(3).refused, 0);
  refuse_all();
  const auto finds = server_.commands("find");
  const auto outcome = insert(5);
  EXPECT_EQ(server_.commands("find"), finds + 8) << "one look each, and one that is sure of those that are there";
  EXPECT_EQ(outcome.documents, 5);
  EXPECT_EQ(outcome.duplicates, 3);
  EXPECT_EQ(outcome.refused, 2);
  ASSERT_EQ(refused_.first().size(), 2U);
  EXPECT_EQ(refused_.first()[0].id_json, "3");
  EXPECT_EQ(refused_.first()[1].id_json, "4");
  EXPECT_EQ(refused_.first()[0].code, 50840);
}

TEST_F(batch_insert, a_single_document_that_is_there_is_no_refusal) {
  EXPECT_EQ(insert(1).refused, 0);
  refuse_all();
  const auto outcome = insert(1);
  EXPECT_EQ(outcome.documents, 1);
  EXPECT_EQ(outcome.duplicates, 1);
  EXPECT_EQ(outcome.refused, 0);
  EXPECT_TRUE(refused_.counts().empty());
}

}  // namespace
}  // namespace sluice::copy
