#include "engine/runtime/cancel_scope.hpp"

#include <cassert>
#include <utility>

namespace sluice::runtime {

cancel_scope::~cancel_scope() {
  assert(hooks_.empty() && "a hook outlives its scope");
}

void cancel_scope::cancel() {
  if (cancelled_) return;
  cancelled_ = true;
  // A hook may remove itself while it runs, so the next one is found before.
  for (auto at = hooks_.begin(); at != hooks_.end();) {
    auto next = std::next(at);
    auto& what = *at;
    if (what) std::exchange(what, nullptr)();
    at = next;
  }
}

cancel_scope::hook cancel_scope::on_cancel(std::function<void()> what) {
  if (cancelled_) {
    what();
    what = nullptr;
  }
  return hook(*this, hooks_.insert(hooks_.end(), std::move(what)));
}

cancel_scope::hook::hook(hook&& other) noexcept : scope_(std::exchange(other.scope_, nullptr)), at_(other.at_) {}

cancel_scope::hook& cancel_scope::hook::operator=(hook&& other) noexcept {
  if (this != &other) {
    reset();
    scope_ = std::exchange(other.scope_, nullptr);
    at_ = other.at_;
  }
  return *this;
}

cancel_scope::hook::~hook() {
  reset();
}

void cancel_scope::hook::reset() noexcept {
  if (scope_ != nullptr) scope_->hooks_.erase(at_);
  scope_ = nullptr;
}

}  // namespace sluice::runtime
