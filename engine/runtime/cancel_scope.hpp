// "Stop what belongs together": a scope that connections, waits and streams register with.
#pragma once

#include <functional>
#include <list>

namespace sluice::runtime {

/// Lives on one lane; every member is called on that lane (post cancel() there). Cancelling is final and idempotent:
/// it runs each registered hook once; hooks registered later run at once.
class cancel_scope {
  using hook_list = std::list<std::function<void()>>;

 public:
  cancel_scope() = default;
  cancel_scope(const cancel_scope&) = delete;
  cancel_scope& operator=(const cancel_scope&) = delete;
  ~cancel_scope();

  [[nodiscard]] bool cancelled() const noexcept { return cancelled_; }
  void cancel();

  /// Keeps a hook registered while it lives. Movable, so that it can be a member. Must not outlive the scope.
  class hook {
   public:
    hook() = default;
    hook(hook&& other) noexcept;
    hook& operator=(hook&& other) noexcept;
    ~hook();
    void reset() noexcept;

   private:
    friend class cancel_scope;
    hook(cancel_scope& scope, hook_list::iterator at) : scope_(&scope), at_(at) {}
    cancel_scope* scope_ = nullptr;
    hook_list::iterator at_{};
  };
  /// A hook must not register or remove other hooks than its own while it runs.
  [[nodiscard]] hook on_cancel(std::function<void()> what);

 private:
  bool cancelled_ = false;
  hook_list hooks_;
};

}  // namespace sluice::runtime
