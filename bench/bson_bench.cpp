// Documents as bytes: walking every value, and the one check that bytes from outside go through.
#include <cstdlib>

#include <benchmark/benchmark.h>

#include "bench/documents.hpp"
#include "bench/hot_path.hpp"
#include "bson/document_view.hpp"
#include "bson/raw_array.hpp"
#include "bson/validate.hpp"

namespace sluice::bench {

namespace {

constexpr std::size_t documents_a_round = 200;

std::size_t values_in(bson::document_view of) {
  std::size_t values = 0;
  for (const bson::element_view element : of) {
    ++values;
    if (const auto inner = element.as_document()) values += values_in(*inner);
    if (const auto inner = element.as_array()) values += values_in(*inner);
  }
  return values;
}

round walk(std::string_view name) {
  return [document = document_named(name)] {
    for (std::size_t each = 0; each < documents_a_round; ++each) benchmark::DoNotOptimize(values_in(document));
    return round_work{documents_a_round, documents_a_round * document.bytes().size()};
  };
}

round check(std::string_view name) {
  return [document = document_named(name)] {
    for (std::size_t each = 0; each < documents_a_round; ++each) {
      if (bson::validate(document.bytes())) std::abort();
    }
    return round_work{documents_a_round, documents_a_round * document.bytes().size()};
  };
}

/// What is done to a batch whose documents nobody looks into.
round step_over_batch() {
  return [array = lim_array(1000)] {
    bson::raw_array_walk documents(array.bytes());
    while (documents.next()) {
    }
    if (documents.fault()) std::abort();
    return round_work{documents.count(), array.bytes().size()};
  };
}

}  // namespace

void add_bson(hot_paths& to) {
  for (const std::string_view name : document_names) {
    to.push_back({"bson/walk_" + std::string(name), [name] { return walk(name); }});
    to.push_back({"bson/validate_" + std::string(name), [name] { return check(name); }});
  }
  to.push_back({"bson/step_over_batch", step_over_batch});
}

}  // namespace sluice::bench
