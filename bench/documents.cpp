#include "bench/documents.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <span>

#include "tests/lab/dataset_documents.hpp"

namespace sluice::bench {

namespace {

bson::document engines(const lab::document& made) {
  const auto raw = std::as_bytes(std::span(made.raw()));
  return bson::document(std::vector<std::byte>(raw.begin(), raw.end()));
}

}  // namespace

bson::document document_named(std::string_view name) {
  if (name == "lim") return lim_documents(1).front();
  const std::string path = std::string(SLUICE_BENCH_DATA) + "/" + std::string(name) + ".json";
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.empty()) {
    std::fprintf(stderr, "sluice-bench: %s is missing or empty\n", path.c_str());
    std::exit(1);
  }
  return engines(lab::document::json(text));
}

std::vector<bson::document> lim_documents(std::size_t count) {
  lab::random_source random(1);
  std::vector<bson::document> made;
  made.reserve(count);
  for (std::size_t index = 0; index < count; ++index) made.push_back(engines(lab::lim_document(random, index)));
  return made;
}

bson::document lim_array(std::size_t count) {
  bson::builder array;
  for (const bson::document& one : lim_documents(count)) array.push(one);
  return array.finish();
}

std::uint64_t scrambled(std::uint64_t n) noexcept {
  n = (n ^ (n >> 31)) * 0x9E3779B97F4A7C15;
  return n ^ (n >> 29);
}

}  // namespace sluice::bench
