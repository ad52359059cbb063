// The fence: what was acknowledged since the last checkpoint must be of one term.
#include "engine/apply/checkpointing.hpp"

#include <cassert>
#include <iterator>

namespace sluice::apply {

namespace {

/// An idle source's time moves too; a restart from a little earlier costs nothing but reading it.
constexpr int idle_factor = 10;

}  // namespace

void checkpointing::acknowledged(const wire::write_term& term, bool mixed) {
  wrote_ = true;
  if (mixed || (term_.known() && term.known() && term != term_)) torn_ = true;
  if (term.known()) term_ = term;
}

void checkpointing::moved(bson::timestamp applied, bson::timestamp resume_from) {
  assert(applied >= applied_);
  applied_ = applied;
  resume_from_ = resume_from;
}

void checkpointing::catalog_changed(std::vector<bson::document> mapped, std::vector<std::vector<std::byte>> unmapped) {
  std::ranges::move(mapped, std::back_inserter(mapped_));
  std::ranges::move(unmapped, std::back_inserter(unmapped_));
}

bool checkpointing::anything_to_say() const {
  return wrote_ || !mapped_.empty() || !unmapped_.empty() || told_ != places{applied_, resume_from_};
}

std::optional<checkpointing::time_point> checkpointing::due_at() const {
  if (under_way_ || torn_ || !anything_to_say()) return {};
  if (!mapped_.empty() || !unmapped_.empty()) return last_;
  return last_ + (wrote_ ? every_ : idle_factor * every_);
}

checkpoint_request checkpointing::take(time_point now) {
  assert(!under_way_ && !torn_);
  under_way_ = places{applied_, resume_from_};
  told_ = under_way_;
  last_ = now;
  wrote_ = false;
  confirmed_ = false;
  return {.applied = applied_,
          .resume_from = resume_from_,
          .term = std::exchange(term_, {}),
          .mapped = std::exchange(mapped_, {}),
          .unmapped = std::exchange(unmapped_, {})};
}

checkpoint_request checkpointing::take_confirmed(time_point now) {
  checkpoint_request request = take(now);
  confirmed_ = request.confirmed = true;
  return request;
}

void checkpointing::answered(checkpoint_verdict verdict) {
  assert(under_way_);
  if (verdict == checkpoint_verdict::durable) {
    durable_ = under_way_->applied;
  } else {
    torn_ = true;
    confirmed_ = false;
  }
  under_way_.reset();
}

}  // namespace sluice::apply
