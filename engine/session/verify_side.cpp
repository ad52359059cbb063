#include "engine/session/verify_side.hpp"

#include <utility>

#include <boost/asio/post.hpp>

#include "engine/runtime/call_on.hpp"
#include "engine/runtime/limits.hpp"

namespace sluice::session {

namespace {

constexpr std::size_t on_the_way_bytes_max = 16 * limits::mib;

}  // namespace

verify_side::verify_side(const boost::asio::any_io_executor& control, verify::verifier::job work)
    : verifier_(lane_.executor(), std::move(work), scope_), running_(control, control_scope_) {
  lane_.start();
  running_.spawn(run());
}

verify_side::~verify_side() {
  lane_.stop();
}

task<result<>> verify_side::run() {
  auto work = [this] { return verifier_.run(); };
  co_return co_await runtime::call_on(lane_.executor(), work);
}

task<result<>> verify_side::settle() {
  auto work = [this] { return verifier_.settle(); };
  co_return co_await runtime::call_on(lane_.executor(), work);
}

task<void> verify_side::go_on() {
  auto work = [this]() -> task<result<>> {
    verifier_.go_on();
    co_return ok();
  };
  const auto done = co_await runtime::call_on(lane_.executor(), work);
  (void)done;
}

task<void> verify_side::close() {
  boost::asio::post(lane_.executor(), [this] { scope_.cancel(); });
  const auto ended = co_await running_.join();
  (void)ended;  // cancelled, by us
}

void verify_side::tell(const apply::target& of, bson::document ids) {
  verify::told_of which{of.source_uuid, of.ns.to_string()};
  const std::size_t bytes = ids.bytes().size();
  if (on_the_way_bytes_ + bytes > on_the_way_bytes_max) {
    boost::asio::post(lane_.executor(), [this, which = std::move(which)] { verifier_.compare_again(which); });
    return;
  }
  on_the_way_bytes_ += bytes;
  boost::asio::post(lane_.executor(), [this, bytes, which = std::move(which), ids = std::move(ids)] {
    verifier_.changed(which, ids);
    on_the_way_bytes_ -= bytes;
  });
}

void verify_side::sees_writes(const apply::write_plan& plan) {
  for (const auto& runs : plan.collections) {
    if (runs.empty()) continue;
    bson::builder ids;
    for (const auto& run : runs) {
      for (const auto& write : run.writes) ids.append("_id", write.id);
    }
    tell(*runs.front().to, ids.finish());
  }
}

void verify_side::sees_document(const apply::target& of, bson::element_view id) {
  bson::builder ids;
  ids.append("_id", id);
  tell(of, ids.finish());
}

void verify_side::sees_catalog_change() {
  boost::asio::post(lane_.executor(), [this] { verifier_.catalog_changed(); });
}

}  // namespace sluice::session
