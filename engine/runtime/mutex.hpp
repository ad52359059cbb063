// One at a time: coroutines of the same lane that share something which survives no interleaving, such as a connection.
// Never for threads: it holds no lock of the system and is used on its lane only.
#pragma once

#include <list>
#include <utility>

#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::runtime {

/// Fair: whoever asked first gets it first. Must outlive everybody who waits for it or holds it (asserted).
///
///   SLUICE_CO_TRY(const auto held, co_await mutex.lock(scope));
class mutex {
  struct waiter;

 public:
  mutex() = default;
  ~mutex();
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;

  /// Gives the mutex to the next one when it goes.
  class held {
   public:
    held(held&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    held& operator=(held&& other) noexcept;
    ~held() { release(); }
    void release() noexcept;

   private:
    friend class mutex;
    explicit held(mutex& of) noexcept : of_(&of) {}
    mutex* of_;
  };

  /// Error (cancelled): `scope` was cancelled before the turn came; whoever waits behind does not notice.
  [[nodiscard]] task<result<held>> lock(cancel_scope& scope);
  [[nodiscard]] bool is_held() const noexcept { return taken_; }

 private:
  void pass_on() noexcept;

  bool taken_ = false;
  std::list<waiter*> waiting_;
};

}  // namespace sluice::runtime
