// Single documents for the data sets: random ones, and the odd ones that programs get wrong.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/lab/mongo.hpp"

namespace sluice::lab {

using random_source = std::mt19937_64;

/// Uniform in [0, below): std::uniform_int_distribution may differ between libraries, and a seed should mean one thing.
[[nodiscard]] inline std::uint64_t choose(random_source& random, std::uint64_t below) {
  return random() % below;
}
/// Lower-case words with spaces, `length` bytes.
[[nodiscard]] std::string random_text(random_source& random, std::size_t length);

/// The document number `index` of lim.docs, about 861 bytes.
[[nodiscard]] document lim_document(random_source& random, std::uint64_t index);
/// Nested, with all BSON types, of any size up to some kilobytes; `_id` is the number.
[[nodiscard]] document random_document(random_source& random, std::uint64_t id);
/// {_id: <one>} for every kind of value that a server accepts as _id, each once.
[[nodiscard]] std::vector<document> odd_id_documents();
/// One document for each BSON type and each oddity of names, strings and arrays. `dollar_names`: servers from 5.0 on.
[[nodiscard]] std::vector<document> odd_value_documents(bool dollar_names);
/// A document of exactly `bytes` bytes.
[[nodiscard]] document padded_document(std::uint64_t id, std::size_t bytes);

}  // namespace sluice::lab
