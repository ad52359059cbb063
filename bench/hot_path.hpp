// What is measured here: a part of the engine that every byte, document or change goes through. It is made ready once
// and then repeated in rounds; Google Benchmark times the rounds, perf/gate counts their instructions and allocations.
//
// A round does the same work every time, from the same input (fixed seeds), or counts would not repeat.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace sluice::bench {

/// What one round has worked through.
struct round_work {
  std::size_t items = 0;
  std::size_t bytes = 0;
};
/// Keeps its memory between rounds, as the engine does.
using round = std::function<round_work()>;

struct hot_path {
  std::string name;  // "group/what"; a group is a file
  std::function<round()> make_ready;
  /// False: threads wake each other in it or a disk answers, so that counts differ from run to run. Timed only.
  bool counted = true;
};
using hot_paths = std::vector<hot_path>;

void add_bson(hot_paths& to);
void add_id_key(hot_paths& to);
void add_op_msg(hot_paths& to);
void add_batch(hot_paths& to);
void add_stream(hot_paths& to);
void add_buffer_pool(hot_paths& to);
void add_oplog(hot_paths& to);
void add_window(hot_paths& to);
void add_spool(hot_paths& to);
void add_checksum(hot_paths& to);
void add_verify(hot_paths& to);

}  // namespace sluice::bench
