// Any bytes: what the validator accepts is walked, printed, keyed, compared and rebuilt without harm, and those agree
// with each other; arrays of documents are walked unvalidated, as batches are.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "bson/compare.hpp"
#include "bson/document.hpp"
#include "bson/extended_json.hpp"
#include "bson/id_key.hpp"
#include "bson/raw_array.hpp"
#include "bson/validate.hpp"

namespace bson = sluice::bson;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_pair(bson::element_view a, bson::element_view b) {
  const auto order = bson::compare_values(a, b);
  require(order == (0 <=> bson::compare_values(b, a)));
  require((order == 0) == (bson::id_key(a) == bson::id_key(b)));
}

void check_document(bson::document_view view) {
  require(!bson::to_json(view, bson::json_mode::canonical).empty());
  require(!bson::to_json(view, bson::json_mode::relaxed).empty());
  require(bson::first_difference(view, view).empty());

  bson::builder copy;
  std::size_t element_bytes = 0;
  bson::element_view before;
  for (const bson::element_view element : view) {
    element_bytes += element.whole().size();
    copy.append(element);
    require(bson::type_name(element.type()) != "unknown");
    (void)bson::holds_string(element);
    check_pair(element, element);
    if (before) check_pair(before, element);
    before = element;
  }
  require(element_bytes + 5 == view.size_bytes());
  const bson::document rebuilt = copy.finish();
  require(bson::same_bytes(rebuilt, view));
}

void check_array(bson::bytes_view bytes) {
  if (!bson::framed(bytes)) return;
  bson::raw_array_walk walk(bytes);
  while (const auto inner = walk.next()) {
    require(bson::framed(*inner));
    (void)bson::find_id(*inner);
  }
  require(bson::slice(bytes, 0, walk.count() + 1).has_value() != walk.fault());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bson::bytes_view bytes(reinterpret_cast<const std::byte*>(data), size);
  check_array(bytes);
  const auto fault = bson::validate(bytes);
  const auto fault_but_utf8 = bson::validate(bytes, {.check_utf8 = false});
  if (!fault) require(!fault_but_utf8);
  if (fault) require(fault->offset <= size);
  if (!fault_but_utf8) check_document(bson::document_view(bytes.data()));
  return 0;
}
