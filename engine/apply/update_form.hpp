// The forms in which an oplog writes an update, and what a client may send that has exactly the same effect. Plain
// functions of one entry; what several in a row come to is coalesce's.
//
// Forms, seen on 4.4.2, 5.0 and 6.0.27:
//   {_id, ...}                      the whole document (replaced, or a pipeline whose diff was no shorter)
//   {$v: 2, diff: {d, u, i, s...}}  5.0 and newer
//   {$v: 1, $set, $unset}           4.4, dotted paths; $v may be absent
// A whole document always holds its `_id`, a modification never does at its top: that alone tells them apart, since a
// document's own fields may be called `$v`, `diff` or `$set` (6.0's UpdateModification::parseFromOplogEntry has the
// same rule).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "bson/document.hpp"
#include "bson/document_view.hpp"
#include "engine/apply/arena.hpp"

namespace sluice::apply {

enum class update_form : std::uint8_t {
  whole,       // a document
  plain_diff,  // only `u` and `d`, of fields that a client's $set and $unset may name: the same as those
  diff,        // any other `$v: 2`: only the server's own stage applies it exactly
  modifier,    // $set and $unset of `$v: 1`
  unknown,
};

/// `o` of an update entry.
///
/// Why `i` sections are never plain (6.0.27): the stage moves a field that exists to the end, $set leaves it where it
/// is. {a, b, big} rearranged by a pipeline to {b, big, a} is logged as {i: {a: 1}}. And in a replay over newer
/// documents {i: {z, b}} followed by $set of c on {a, z, b, c} ends in {a, c, z, b}, where the stages alone end right.
[[nodiscard]] update_form form_of(bson::document_view o) noexcept;

/// {u, d} of a plain diff, {$set, $unset} of a modifier; the empty document for what is absent.
struct set_and_unset {
  bson::document_view set;
  bson::document_view unset;
};
[[nodiscard]] set_and_unset fields_of(bson::document_view o, update_form form) noexcept;

/// Do servers of all versions add the new fields of a set of paths in the same order? 4.4 adds them by their names'
/// bytes ("10" before "9"), 6.0.27 adds two numeric ones by number, any others by bytes ("10", "1a", and "1a", "9").
/// While the numbers at each depth have the same length, that is one order. False alarms only cost writes.
class order_guard {
 public:
  /// False: not with this one among them.
  [[nodiscard]] bool admits(std::string_view path) noexcept;

 private:
  static constexpr std::size_t depth_max = 16;
  std::size_t digits_[depth_max] = {};
};

/// May a destination add the new fields of this $set (of `$v: 1`) in another order than 4.4 did? Then each needs a
/// write of its own.
[[nodiscard]] bool order_differs(bson::document_view set) noexcept;

/// A modifier as modifiers of one field each, in their order. For the one that a destination refuses because a path
/// leads through a value that is no document (6.0.27: code 28, PathNotViable, "Cannot create field"), as happens in a
/// replay of `$v: 1` over newer documents: 4.4.2 skips such a path of an entry and applies the rest, a client's update
/// is refused as a whole. Sent one by one, passing over those refused again, these do what the entry does.
[[nodiscard]] std::vector<bson::document> one_field_each(bson::document_view modifier);

/// {$set: set, $unset: unset} without what is empty.
[[nodiscard]] bson::document_view build_modifier(arena& in, set_and_unset fields);

}  // namespace sluice::apply
