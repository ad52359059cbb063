#include "engine/assess/reading.hpp"

#include <utility>

namespace sluice::assess {

task<result<wire::reply>> ask(wire::connection& node, std::string database, bson::builder command) {
  command.append("maxTimeMS", static_cast<std::int64_t>(question_time_max.count()));
  bson::document asked = command.finish();
  co_return co_await node.run(database, std::move(asked), answer_time_max);
}

double number_of(bson::element_view element) noexcept {
  if (!element) return 0;
  if (const auto real = element.as_double()) return *real;
  return static_cast<double>(element.to_int64().value_or(0));
}

}  // namespace sluice::assess
