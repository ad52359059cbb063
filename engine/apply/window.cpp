// Sorts changes into documents, and the documents' writes into runs.
#include "engine/apply/window.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>

#include "bson/extended_json.hpp"
#include "bson/id_key.hpp"
#include "engine/apply/coalesce.hpp"
#include "engine/apply/coalesce_table.hpp"
#include "engine/apply/window_order.hpp"

namespace sluice::apply {

namespace {

/// Unordered runs a collection; a document that needs more writes gets the rest in the ordered run, so that a hot one
/// does not make the others wait for hundreds of acknowledgements.
constexpr std::uint32_t turns_max = 4;
constexpr std::uint32_t kinds = 4;
/// The ordered run's writes, after those of the turns.
constexpr std::uint32_t ordered_place = turns_max * kinds;
constexpr std::uint32_t places = ordered_place + 1;

/// Bookkeeping of a change: an entry of the table, an item, a write.
constexpr std::size_t change_bytes =
    sizeof(coalesce_table::entry) + sizeof(update_item) + 2 * sizeof(document_write) + 16;

[[nodiscard]] constexpr std::uint32_t place_of(write_kind kind) noexcept {
  switch (kind) {
    case write_kind::insert:
      return 0;
    case write_kind::replace:
      return 1;
    case write_kind::update:
      return 2;
    case write_kind::remove:
      return 3;
  }
  return 0;
}

[[nodiscard]] error refused(const capture::change& what, std::string_view why) {
  return failure(error_kind::protocol,
                 "an oplog entry of " + std::string(what.ns) + " " + std::string(why) +
                     ", which no supported source writes; report this entry: " + bson::to_json(what.whole));
}

/// A change, understood.
struct reading {
  bson::element_view id;
  update_form form = update_form::whole;
};

[[nodiscard]] result<reading> read(const capture::change& what) {
  reading read;
  switch (what.kind) {
    case capture::change_kind::insert:
    case capture::change_kind::remove:
      read.id = what.o.find("_id");
      break;
    case capture::change_kind::update:
      read.form = form_of(what.o);
      if (read.form == update_form::unknown) return refused(what, "is an update of an unknown form");
      read.id = (read.form == update_form::whole ? what.o : what.o2).find("_id");
      break;
    case capture::change_kind::command:
      return refused(what, "is a command among data");
  }
  if (!read.id) return refused(what, "has no _id");
  return read;
}

}  // namespace

struct window::inner {
  /// A change that keeps its place.
  struct kept_change {
    std::uint32_t collection = 0;
    document_changes change;
  };

  explicit inner(window_limits given) : limits(given), memory(std::make_shared<arena>()) { arenas.push_back(memory); }

  [[nodiscard]] std::uint32_t collection_of(const shared_target& to);
  void take(document_changes& into, const capture::change& what, const reading& read);
  void keep(const std::shared_ptr<const void>& owner);
  void build_writes();
  void place_writes(write_plan& plan);
  void next_arena();

  window_limits limits;
  std::size_t changes = 0;
  std::size_t held_bytes = 0;

  std::vector<shared_target> targets;
  std::unordered_map<const target*, std::uint32_t> target_places;
  std::uint32_t last_target = 0;

  coalesce_table documents;
  std::vector<kept_change> in_order;
  update_items items;
  std::vector<std::shared_ptr<const void>> owners;
  std::shared_ptr<arena> memory;
  std::vector<std::shared_ptr<arena>> arenas;  // those of plans that are gone are used again

  // Memory of finish() and add(), kept for the next time.
  std::vector<std::byte> key;
  coalescer combine;
  std::vector<document_write> writes;
  std::vector<std::uint32_t> write_places;  // of each write: collection * places + place
  std::vector<std::uint32_t> counts;        // of each place
  std::vector<document_write*> cursors;
  removal_order removals;
};

std::uint32_t window::inner::collection_of(const shared_target& to) {
  if (last_target < targets.size() && targets[last_target] == to) return last_target;
  const auto [found, added] = target_places.try_emplace(to.get(), static_cast<std::uint32_t>(targets.size()));
  if (added) targets.push_back(to);
  return last_target = found->second;
}

void window::inner::take(document_changes& into, const capture::change& what, const reading& read) {
  switch (what.kind) {
    case capture::change_kind::insert:
      return into.insert(read.id, what.o);
    case capture::change_kind::remove:
      return into.remove(read.id);
    case capture::change_kind::update:
      if (read.form == update_form::whole) return into.replace(read.id, what.o);
      return into.modify(read.id, what.o, read.form, items);
    case capture::change_kind::command:
      break;
  }
}

void window::inner::keep(const std::shared_ptr<const void>& owner) {
  // Entries of a chunk come in a row; a transaction's own owner may alternate with it.
  const std::size_t known = std::min<std::size_t>(owners.size(), 4);
  if (std::find(owners.end() - static_cast<std::ptrdiff_t>(known), owners.end(), owner) == owners.end()) {
    owners.push_back(owner);
  }
}

void window::inner::build_writes() {
  writes.clear();
  write_places.clear();
  for (const kept_change& one : in_order) {
    combine.append(one.change, items, *memory, writes);
    write_places.resize(writes.size(), one.collection * places + ordered_place);
  }
  for (const coalesce_table::entry& one : documents.entries()) {
    const std::size_t first = writes.size();
    combine.append(one.changes, items, *memory, writes);
    for (std::size_t at = first; at < writes.size(); ++at) {
      const auto turn = static_cast<std::uint32_t>(std::min<std::size_t>(at - first, turns_max));
      const std::uint32_t place = turn < turns_max ? turn * kinds + place_of(writes[at].kind) : ordered_place;
      write_places.push_back(one.collection * places + place);
    }
  }
}

void window::inner::place_writes(write_plan& plan) {
  counts.assign(targets.size() * places, 0);
  for (const std::uint32_t place : write_places) ++counts[place];
  cursors.assign(counts.size(), nullptr);
  plan.collections.reserve(targets.size());
  for (std::size_t collection = 0; collection < targets.size(); ++collection) {
    const std::uint32_t* const of = counts.data() + collection * places;
    document_write** const cursor = cursors.data() + collection * places;
    std::vector<write_run> runs;
    runs.reserve(turns_max + 1);
    for (std::uint32_t begin = 0; begin < places; begin += kinds) {
      const std::uint32_t end = std::min(begin + kinds, places);
      std::size_t total = 0;
      for (std::uint32_t place = begin; place < end; ++place) total += of[place];
      if (total == 0) continue;
      runs.push_back(
          {.to = targets[collection], .ordered = begin == ordered_place, .writes = std::vector<document_write>(total)});
      document_write* at = runs.back().writes.data();
      for (std::uint32_t place = begin; place < end; ++place) {
        cursor[place] = at;
        at += of[place];
      }
    }
    if (!runs.empty()) plan.collections.push_back(std::move(runs));
  }
  for (std::size_t at = 0; at < writes.size(); ++at) *cursors[write_places[at]]++ = writes[at];
  for (std::uint32_t place = place_of(write_kind::remove); place < counts.size(); ++place) {
    const std::uint32_t within = place % places;
    if (counts[place] < 2 || within == ordered_place || within % kinds != place_of(write_kind::remove)) continue;
    removals.sort({cursors[place] - counts[place], counts[place]});
  }
}

void window::inner::next_arena() {
  const auto free = std::ranges::find_if(arenas, [](const auto& one) { return one.use_count() == 1; });
  if (free != arenas.end()) {
    memory = *free;
    memory->reset();
  } else {
    memory = std::make_shared<arena>();
    arenas.push_back(memory);
  }
}

window::window(window_limits limits) : inner_(std::make_unique<inner>(limits)) {}
window::~window() = default;
window::window(window&&) noexcept = default;
window& window::operator=(window&&) noexcept = default;

result<> window::add(const capture::change& what, const shared_target& to, const std::shared_ptr<const void>& owner) {
  SLUICE_TRY(const reading read, apply::read(what));
  inner& in = *inner_;
  const std::uint32_t collection = in.collection_of(to);
  if (to->in_order || (to->collated && bson::holds_string(read.id))) {
    in.take(in.in_order.emplace_back(inner::kept_change{collection, {}}).change, what, read);
  } else {
    write_id_key(read.id, in.key);
    in.take(in.documents.at(collection, in.key, *in.memory), what, read);
  }
  in.keep(owner);
  ++in.changes;
  in.held_bytes += what.whole.size_bytes() + change_bytes;
  if (read.form != update_form::whole) in.held_bytes += what.o.size_bytes() + 64;  // will be copied into a statement
  return ok();
}

bool window::empty() const noexcept {
  return inner_->changes == 0;
}

bool window::full() const noexcept {
  return changes() >= inner_->limits.changes_max || bytes() >= inner_->limits.bytes_max;
}

std::size_t window::changes() const noexcept {
  return inner_->changes;
}

std::size_t window::bytes() const noexcept {
  return inner_->held_bytes + inner_->memory->bytes();
}

write_plan window::finish() {
  inner& in = *inner_;
  write_plan plan;
  in.build_writes();
  in.place_writes(plan);
  plan.changes = in.changes;
  plan.writes = in.writes.size();
  plan.owners = std::move(in.owners);
  plan.arena = std::move(in.memory);

  in.owners.clear();
  in.targets.clear();
  in.target_places.clear();
  in.documents.clear();
  in.in_order.clear();
  in.items.clear();
  in.changes = 0;
  in.held_bytes = 0;
  in.next_arena();
  return plan;
}

}  // namespace sluice::apply
