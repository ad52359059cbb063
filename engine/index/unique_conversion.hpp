// Unique indexes made unique, all or none. Must never leave some converted because others could not be: values that
// move between documents would then break what is applied after a repair.
#pragma once

#include <vector>

#include "engine/index/cutover.hpp"
#include "engine/index/cutover_side.hpp"

namespace sluice::index {

/// `prepareUnique` on every index, then the server's own search for duplicates (a dry run). Any that were found:
/// prepareUnique is taken back everywhere, so that the collections can be repaired. `converts` are convert_unique
/// steps.
[[nodiscard]] task<result<std::vector<unique_violation>>> prepare_unique(cutover_side& destination,
                                                                         std::vector<cutover_step> converts);
[[nodiscard]] task<result<>> take_back_prepared(cutover_side& destination, std::vector<cutover_step> converts);
/// A step of a prepared index. Duplicates that came since: the violation.
[[nodiscard]] task<result<std::vector<unique_violation>>> convert_unique(cutover_side& destination, cutover_step step);
/// The same for a destination without prepareUnique (before 6.0): each is dropped and built anew, from `weaker`, its
/// form until now, and unique. The first that cannot be makes all of them what they were.
[[nodiscard]] task<result<std::vector<unique_violation>>> rebuild_unique(cutover_side& destination,
                                                                         std::vector<cutover_step> converts,
                                                                         std::vector<bson::document> weaker);
/// A step of build_late: createIndexes of a unique index beside a plain one of the same key.
[[nodiscard]] task<result<std::vector<unique_violation>>> build_late(cutover_side& destination, cutover_step step);

}  // namespace sluice::index
