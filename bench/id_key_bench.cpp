// The canonical key of an `_id`, for each type that collections use.
#include <benchmark/benchmark.h>

#include "bench/documents.hpp"
#include "bench/hot_path.hpp"
#include "bson/bytes.hpp"
#include "bson/document.hpp"
#include "bson/id_key.hpp"

namespace sluice::bench {

namespace {

constexpr std::size_t ids_a_round = 1000;

template <class Append>
hot_path key_of(const char* name, Append append) {
  return {name, [append]() -> round {
            bson::builder made;
            for (std::size_t n = 0; n < ids_a_round; ++n) append(made, scrambled(n));
            return [ids = made.finish()] {
              for (const bson::element_view id : ids.view()) benchmark::DoNotOptimize(bson::id_key(id));
              return round_work{ids_a_round, ids.bytes().size()};
            };
          }};
}

bson::object_id object_id_of(std::uint64_t n) {
  bson::object_id id;
  bson::store(id.bytes, n);
  return id;
}

}  // namespace

void add_id_key(hot_paths& to) {
  to.push_back(key_of("id_key/object_id", [](auto& in, std::uint64_t n) { in.append("_id", object_id_of(n)); }));
  to.push_back(key_of("id_key/int32",
                      [](auto& in, std::uint64_t n) { in.append("_id", static_cast<std::int32_t>(n % 1'000'000)); }));
  to.push_back(key_of("id_key/double",
                      [](auto& in, std::uint64_t n) { in.append("_id", static_cast<double>(n % 1'000'000) / 8); }));
  to.push_back(key_of("id_key/string", [](auto& in, std::uint64_t n) { in.append("_id", std::to_string(n)); }));
  to.push_back(key_of("id_key/document", [](auto& in, std::uint64_t n) {
    in.open_document("_id").append("customer", static_cast<std::int64_t>(n)).append("day", "2024-02-29").close();
  }));
}

}  // namespace sluice::bench
