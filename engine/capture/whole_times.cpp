#include "engine/capture/whole_times.hpp"

#include <utility>

namespace sluice::capture {

void whole_times::begin_again() noexcept {
  waiting_.clear();
  waiting_bytes_ = 0;
  waiting_at_ = {};
}

whole_times::order whole_times::enter(bson::timestamp at) {
  if (at < position_ || (exact_ && at == position_)) return order::taken;
  if (at < waiting_at_) return order::back;
  if (at > waiting_at_) {
    complete();
    waiting_at_ = at;
  }
  return order::next;
}

void whole_times::add(bson::document entry) {
  waiting_bytes_ += entry.bytes().size();
  waiting_.push_back(std::move(entry));
}

void whole_times::seen_until(bson::timestamp time) {
  complete();
  chunk_.seen(time);
  if (time > position_) {
    position_ = time;
    exact_ = true;
  }
}

void whole_times::seen_before(bson::timestamp time) {
  if (waiting_at_ < time) complete();
  if (time == bson::timestamp{}) return;
  chunk_.seen(time.increment > 0 ? bson::timestamp{time.seconds, time.increment - 1}
                                 : bson::timestamp{time.seconds - 1, UINT32_MAX});
  // Behind what waits nothing may begin.
  if (time > position_ && waiting_at_ == bson::timestamp{}) {
    position_ = time;
    exact_ = false;
  }
}

void whole_times::complete() {
  if (waiting_at_ == bson::timestamp{}) return;
  for (const auto& entry : waiting_) chunk_.add(entry.bytes(), {waiting_at_, -1});
  chunk_.seen(waiting_at_);
  position_ = waiting_at_;
  exact_ = true;
  begin_again();
}

}  // namespace sluice::capture
