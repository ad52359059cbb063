// Data to copy, made from a seed: the same seed and sizes give the same documents. Must never depend on what the engine
// can do: kinds that a server does not know are left out by its version alone.
#pragma once

#include <cstdint>
#include <string>

#include "tests/lab/mongo.hpp"

namespace sluice::lab {

struct loaded {
  std::uint64_t documents = 0;
  std::uint64_t bytes = 0;  // of BSON
  std::uint64_t collections = 0;
  loaded& operator+=(const loaded& other) noexcept;
};

/// `lim.docs`: nested documents of about 861 bytes with ObjectIds, no index but that of _id. The set that speed is
/// measured with: a million of them are 861 MB.
struct lim_options {
  std::uint64_t documents = 1'000'000;
  std::uint64_t seed = 1;
  std::string database = "lim";
  std::string collection = "docs";
};
loaded load_lim(const std::string& uri, const lim_options& options);

/// Every kind of collection, index, option, BSON type and _id that the server takes.
struct zoo_options {
  std::uint64_t seed = 1;
  std::uint64_t ordinary_documents = 2000;  // random shapes
  std::uint64_t tiny_documents = 250'000;
  std::uint64_t large_documents = 4;      // of exactly 16 MiB
  std::uint64_t capped_documents = 3000;  // written; fewer remain
  std::uint64_t measurements = 5000;      // of time series
};
/// Small enough for a test that copies it many times.
[[nodiscard]] zoo_options small_zoo(std::uint64_t seed = 1);
loaded load_zoo(const std::string& uri, const zoo_options& options);

/// Many small collections, spread over databases `many0`, `many1`, …
struct many_options {
  std::uint64_t collections = 1000;
  std::uint64_t documents_each = 10;
  std::uint64_t databases = 4;
  std::uint64_t seed = 1;
};
loaded load_many(const std::string& uri, const many_options& options);

/// A mixture for the demo: about `documents` in all, a gigabyte for a million.
loaded load_demo(const std::string& uri, std::uint64_t documents, std::uint64_t seed);

}  // namespace sluice::lab
