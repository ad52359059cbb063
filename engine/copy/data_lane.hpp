// A lane of the copy: its thread, its memory, its workers. What is in here is touched on that thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "engine/copy/worker.hpp"
#include "engine/runtime/buffer_pool.hpp"
#include "engine/runtime/cancel_scope.hpp"
#include "engine/runtime/lane.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::copy {

class data_lane {
 public:
  /// The nth of lanes that share the work.
  data_lane(std::size_t nth, std::string name, std::size_t memory_bytes)
      : nth_(nth), thread_(std::move(name)), pool_(thread_.executor(), memory_bytes) {}

  using work = std::function<task<result<>>(worker&)>;
  /// Starts the thread, runs `each` for `count` workers that look like `like`, and ends the thread. Called from another
  /// lane, which resumes when all is over. The first error of a worker ends the others.
  [[nodiscard]] task<result<>> run(std::uint32_t count, cluster::deployment source, cluster::deployment destination,
                                   refused_list& refused, std::chrono::milliseconds patience, work each);
  /// From any thread.
  void cancel();

 private:
  [[nodiscard]] task<result<>> run_here(std::uint32_t count, cluster::deployment source,
                                        cluster::deployment destination, refused_list& refused,
                                        std::chrono::milliseconds patience, work each);

  std::size_t nth_;
  runtime::lane thread_;
  runtime::cancel_scope scope_;
  runtime::buffer_pool pool_;
};

}  // namespace sluice::copy
