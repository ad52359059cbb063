#include "engine/session/start_warnings.hpp"

#include <utility>

#include "engine/cluster/query_settings.hpp"
#include "engine/runtime/log.hpp"
#include "engine/wire/connection.hpp"

namespace sluice::session {

task<result<std::vector<std::string>>> find_start_warnings(wire::connection& source,
                                                           const cluster::migration_scope chosen,
                                                           const std::optional<cluster::sharding_choice> sharding) {
  SLUICE_CO_TRY(auto sentences, co_await find_idle_rules(source, chosen, sharding));
  const auto settings = co_await cluster::count_query_settings(source);
  if (!settings && settings.error().kind != error_kind::server) co_return settings.error();
  if (!settings) {
    log(log_level::warn, "session",
        "Whether the source keeps settings of queries cannot be told; they would not be migrated",
        {{"cause", settings.error().message}});
  } else if (settings.value() > 0) {
    sentences.push_back(cluster::tell_query_settings_stay(settings.value()) + ": " + cluster::keep_query_settings);
  }
  co_return sentences;
}

}  // namespace sluice::session
