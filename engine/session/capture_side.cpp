#include "engine/session/capture_side.hpp"

#include <utility>

#include <boost/asio/post.hpp>

#include "engine/runtime/call_on.hpp"
#include "engine/runtime/limits.hpp"
#include "engine/runtime/log.hpp"

namespace sluice::session {

capture_side::capture_side(capture::capture_counters& counters)
    : pool_(lane_.executor(), limits::lane_memory_min_bytes), counters_(counters) {
  lane_.start();
}

capture_side::~capture_side() {
  lane_.stop();
}

task<result<>> capture_side::open(capture::spool_options options, bson::timestamp from) {
  from_ = from;
  auto work = [this, options]() -> task<result<>> {
    SLUICE_CO_TRY(spool_, co_await capture::spool::open(lane_.executor(), options, scope_));
    co_return co_await spool_->seek(from_);
  };
  co_return co_await runtime::call_on(lane_.executor(), work);
}

task<result<>> capture_side::follow(capture::capture_job job, runtime::cancel_scope& until) {
  // Posts that are still on their way run before end() does: a lane serves in order.
  auto with_the_run = until.on_cancel([this] { boost::asio::post(lane_.executor(), [this] { scope_.cancel(); }); });
  auto work = [this, job]() mutable -> task<result<>> {
    const auto after = spool_->resume_after();
    job.from = after ? after->at : from_;
    job.exact = after.has_value();
    co_return co_await capture::follow(std::move(job), *spool_, pool_, counters_, scope_);
  };
  co_return co_await runtime::call_on(lane_.executor(), work);
}

task<void> capture_side::keep_on_disk(bool always) {
  auto work = [this, always]() -> task<result<>> {
    spool_->keep_on_disk(always);
    co_return ok();
  };
  const auto done = co_await runtime::call_on(lane_.executor(), work);
  (void)done;
}

task<result<>> capture_side::end(bool for_good) {
  if (!spool_) co_return ok();
  auto work = [this, for_good]() -> task<result<>> {
    if (for_good) co_return co_await spool_->remove();
    co_await spool_->close();
    co_return ok();
  };
  co_return co_await runtime::call_on(lane_.executor(), work);
}

task<void> capture_side::close() {
  const auto done = co_await end(false);
  (void)done;
}

task<result<>> capture_side::remove() {
  return end(true);
}

capture::spool::usage capture_side::usage() const {
  return spool_ ? spool_->current() : capture::spool::usage{};
}

}  // namespace sluice::session
