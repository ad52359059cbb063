// Loading: the sets without special collections.
#include "tests/lab/dataset.hpp"

#include <exception>
#include <thread>
#include <vector>

#include "tests/lab/dataset_documents.hpp"

namespace sluice::lab {
namespace {

// Documents first, first + step, … of lim: each thread's stream depends on the seed and its own number alone.
loaded load_lim_part(const std::string& uri, const lim_options& options, std::uint64_t first, std::uint64_t step) {
  client connection(uri);
  random_source random(options.seed * 1000 + first);
  loaded total;
  std::vector<document> batch;
  for (std::uint64_t index = first; index < options.documents; index += step) {
    batch.push_back(lim_document(random, index));
    total.bytes += batch.back().get()->len;
    ++total.documents;
    if (batch.size() == 4000 || index + step >= options.documents) {
      connection.insert(options.database.c_str(), options.collection.c_str(), batch);
      batch.clear();
    }
  }
  return total;
}

// One of load_many's collections, which depends on the seed and its number alone.
loaded load_one_of_many(client& connection, const many_options& options, std::uint64_t number) {
  const std::string database = "many" + std::to_string(number % options.databases);
  const std::string collection = "collection" + std::to_string(number);
  // Before the documents: an index of an empty collection is there at once, any other waits for a majority's votes.
  if (number % 3 == 0) {
    connection.run(database.c_str(), R"({"createIndexes": ")" + collection +
                                         R"(", "indexes": [{"key": {"f0": 1}, "name": "f0_1", "sparse": true}]})");
  }
  random_source random(options.seed * 1'000'000 + number);
  loaded total{.documents = options.documents_each, .collections = 1};
  std::vector<document> batch;
  for (std::uint64_t id = 0; id < options.documents_each; ++id) {
    batch.push_back(random_document(random, id));
    total.bytes += batch.back().get()->len;
  }
  connection.insert(database.c_str(), collection.c_str(), batch);
  return total;
}

// Runs `load(part, parts)` on as many threads, and adds up what they loaded; throws what the first of them threw.
template <class Load>
loaded in_parallel(std::uint64_t threads, const Load& load) {
  std::vector<loaded> parts(threads);
  std::vector<std::exception_ptr> failures(threads);
  {
    std::vector<std::jthread> running;
    for (std::uint64_t part = 0; part < threads; ++part) {
      running.emplace_back([&, part] {
        try {
          parts[part] = load(part, threads);
        } catch (...) {
          failures[part] = std::current_exception();
        }
      });
    }
  }
  loaded total;
  for (std::uint64_t part = 0; part < threads; ++part) {
    if (failures[part]) {
      std::rethrow_exception(failures[part]);
    }
    total += parts[part];
  }
  return total;
}

}  // namespace

loaded& loaded::operator+=(const loaded& other) noexcept {
  documents += other.documents;
  bytes += other.bytes;
  collections += other.collections;
  return *this;
}

loaded load_lim(const std::string& uri, const lim_options& options) {
  loaded total =
      in_parallel(2, [&](std::uint64_t part, std::uint64_t parts) { return load_lim_part(uri, options, part, parts); });
  total.collections = 1;
  return total;
}

loaded load_many(const std::string& uri, const many_options& options) {
  // A server creates collections one after the other, but waits in between.
  return in_parallel(4, [&](std::uint64_t part, std::uint64_t parts) {
    client connection(uri);
    loaded total;
    for (std::uint64_t number = part; number < options.collections; number += parts) {
      total += load_one_of_many(connection, options, number);
    }
    return total;
  });
}

loaded load_demo(const std::string& uri, std::uint64_t documents, std::uint64_t seed) {
  loaded total;
  total += load_zoo(uri, {.seed = seed,
                          .ordinary_documents = documents / 200,
                          .tiny_documents = documents / 20,
                          .large_documents = documents / 100'000,
                          .capped_documents = documents / 300,
                          .measurements = documents / 100});
  total += load_many(uri, {.collections = 50, .documents_each = documents / 10'000, .databases = 4, .seed = seed});
  if (total.documents < documents) {
    total += load_lim(uri, {.documents = documents - total.documents, .seed = seed});
  }
  return total;
}

}  // namespace sluice::lab
