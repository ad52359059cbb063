#include "engine/copy/ledger.hpp"

#include <algorithm>
#include <utility>

namespace sluice::copy {

position position_from(bson::document_view stored) {
  position p;
  if (const auto behind = stored.find("behind").as_document()) p.behind = bson::document(*behind);
  p.documents = stored.find("documents").to_int64().value_or(0);
  p.bytes = stored.find("bytes").to_int64().value_or(0);
  p.done = stored.find("done").to_bool().value_or(false);
  return p;
}

bson::document to_fields(const position& p) {
  bson::builder out;
  if (p.behind) out.append("behind", p.behind->view());
  out.append("documents", p.documents).append("bytes", p.bytes).append("done", p.done);
  return out.finish();
}

ledger::ledger(std::vector<entry> entries) {
  for (entry& one : entries) {
    tracked added;
    added.what = std::make_unique<plan::partition>(std::move(one.what));
    added.durable = added.reached = std::move(one.durable);
    added.state = added.durable.done ? status::done : status::waiting;
    done_ += added.durable.done ? 1 : 0;
    partitions_.push_back(std::move(added));
  }
  for (std::size_t i = 0; i < partitions_.size(); ++i) {
    if (partitions_[i].state == status::waiting) waiting_.push_back(i);
  }
  std::ranges::stable_sort(waiting_, std::ranges::greater{},
                           [this](std::size_t i) { return partitions_[i].what->bytes_estimate; });
}

void ledger::enqueue(std::size_t index) {
  partitions_[index].state = status::waiting;
  waiting_.push_front(index);  // it was begun: the sooner it ends, the less is left half-copied
}

std::optional<assignment> ledger::take() {
  if (waiting_.empty()) return std::nullopt;
  const std::size_t index = waiting_.front();
  waiting_.pop_front();
  tracked& p = partitions_[index];
  p.state = status::copying;
  p.reached = p.durable;
  p.mixed = false;
  p.term = {};
  p.torn = std::make_shared<std::atomic<bool>>(false);
  return assignment{index, p.what.get(), p.durable, p.torn};
}

ledger::tracked* ledger::holder(const assignment& mine) {
  tracked& p = partitions_[mine.index];
  return p.torn == mine.torn ? &p : nullptr;
}

void ledger::advanced(const assignment& mine, position at, wire::write_term term) {
  tracked* p = holder(mine);
  if (p == nullptr || p->state != status::copying) return;
  if (p->term.known() && term.known() && !(p->term == term)) p->mixed = true;
  if (term.known()) p->term = term;
  if (at.done) p->state = status::written;
  p->reached = std::move(at);
  p->dirty = true;
}

void ledger::returned(const assignment& mine) {
  tracked* p = holder(mine);
  if (p == nullptr || p->state != status::copying) return;
  p->torn.reset();
  enqueue(mine.index);
}

void ledger::tear(tracked& p) {
  if (p.torn) p.torn->store(true);
  p.torn.reset();
}

void ledger::back_to_durable(std::size_t index) {
  tracked& p = partitions_[index];
  p.reached = p.durable;
  p.term = {};
  p.mixed = false;
  p.dirty = true;  // a position that proved untrue may already stand in the checkpoint
  enqueue(index);
}

void ledger::gone(const cluster::namespace_name& ns) {
  for (std::size_t i = 0; i < partitions_.size(); ++i) {
    tracked& p = partitions_[i];
    if (p.what->ns != ns || p.state == status::done) continue;
    tear(p);
    std::erase(waiting_, i);
    p.durable.done = true;
    p.state = status::done;
    ++done_;
  }
}

void ledger::replace(const cluster::namespace_name& ns, std::vector<entry> fresh) {
  std::vector<tracked> kept;
  for (tracked& p : partitions_) {
    if (p.what->ns == ns) {
      tear(p);
      retired_.push_back(std::move(p.what));
    }
  }
  // Indices are handed out, so places are reused and only added to.
  std::size_t next = 0;
  for (std::size_t i = 0; i < partitions_.size(); ++i) {
    tracked& p = partitions_[i];
    if (p.what) continue;
    std::erase(waiting_, i);
    if (p.state == status::done) --done_;
    p = tracked{};
    if (next < fresh.size()) {
      p.what = std::make_unique<plan::partition>(std::move(fresh[next].what));
      p.durable = p.reached = std::move(fresh[next].durable);
      ++next;
      enqueue(i);
    } else {
      p.what = std::make_unique<plan::partition>();  // an empty place: nothing to do, for ever
      p.durable.done = true;
      p.state = status::done;
      ++done_;
    }
  }
  for (; next < fresh.size(); ++next) {
    tracked added;
    added.what = std::make_unique<plan::partition>(std::move(fresh[next].what));
    added.durable = added.reached = std::move(fresh[next].durable);
    partitions_.push_back(std::move(added));
    enqueue(partitions_.size() - 1);
  }
}

bool ledger::has_unfenced() const noexcept {
  return std::ranges::any_of(partitions_, [](const tracked& p) { return p.state == status::written; });
}

std::vector<ledger::change> ledger::collect() {
  std::vector<change> changes;
  for (std::size_t i = 0; i < partitions_.size(); ++i) {
    tracked& p = partitions_[i];
    if (!p.dirty) continue;
    // Acknowledged in two terms: the part of the older one may be gone, and no write can fence it any more.
    if (p.mixed) {
      tear(p);
      back_to_durable(i);
    }
    p.dirty = false;
    changes.push_back({i, p.what->id, p.reached, p.term});
  }
  return changes;
}

std::size_t ledger::settle(const std::vector<change>& written, wire::write_term fence) {
  std::size_t torn = 0;
  for (const change& one : written) {
    tracked& p = partitions_[one.index];
    const bool replaced = p.what->id != one.id;
    if (replaced || (p.state != status::copying && p.state != status::written)) continue;
    if (!one.term.known() || (fence.known() && one.term == fence)) {
      p.durable = one.at;
      if (one.at.done) {
        p.state = status::done;
        ++done_;
      }
    } else {
      ++torn;
      tear(p);
      back_to_durable(one.index);
    }
  }
  return torn;
}

}  // namespace sluice::copy
