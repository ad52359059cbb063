#include "engine/session/stored_run.hpp"

#include <array>
#include <string>

#include "engine/cluster/deployment.hpp"
#include "engine/session/run_facts.hpp"
#include "engine/state/checkpoint.hpp"

namespace sluice::session {

task<result<std::optional<stored_run>>> find_stored_run(copy_settings settings, runtime::cancel_scope& scope) {
  const std::array uris{settings.source_uri, settings.destination_uri};
  std::array<cluster::deployment, 2> found;
  for (std::size_t i = 0; i < uris.size(); ++i) {
    SLUICE_CO_TRY(auto uri, wire::connection_string::parse(uris[i]));
    SLUICE_CO_TRY(found[i], co_await cluster::discover(uri, cluster::role::destination, scope));
  }
  std::optional<stored_run> committed;
  for (std::size_t i = 0; i < uris.size(); ++i) {
    cluster::deployment& here = found[1 - i];  // the likely destination first
    const cluster::deployment& other = found[i];
    auto connect = [&here, &scope, patience = settings.retry_time] {
      return cluster::connect_primary(here, scope, patience);
    };
    sluice::state::checkpoint stored(connect, scope, settings.retry_time, limits::lease_time,
                                     sluice::state::checkpoint_database_of(settings.migration_name));
    SLUICE_CO_TRY(const auto runs, co_await stored.load("run"));
    if (runs.empty()) continue;
    const auto run = runs.front().view();
    const auto text = [&run](std::string_view name) { return std::string(run.find(name).as_string().value_or("")); };
    if (text("mode") != "sync" || text("sourceIdentity") != other.identity) continue;
    stored_run one;
    one.swapped = i == 1;
    one.build_indexes = index_building_from(text("buildIndexes"));
    one.include = sluice::state::read_strings(run, "include");
    one.exclude = sluice::state::read_strings(run, "exclude");
    const auto remaps = sluice::state::read_strings(run, "remaps");
    for (std::size_t pair = 0; pair + 1 < remaps.size(); pair += 2) {
      one.remaps.push_back({remaps[pair], remaps[pair + 1]});
    }
    one.reversible = run.at("facts", reversible_fact).as_bool().value_or(false);
    one.reversed = run.at("facts", reversed_fact).as_bool().value_or(false);
    one.beside_others = run.find("preExistingDestinationData").as_bool().value_or(false);
    if (const auto filter = run.find("documentFilter").as_document(); filter && !filter->empty()) {
      SLUICE_CO_TRY(one.documents, cluster::document_filter::of(*filter));
    }
    if (const auto sharding = run.find("sharding").as_document(); sharding && !sharding->empty()) {
      SLUICE_CO_TRY(one.sharding, cluster::sharding_choice::of(*sharding));
    }
    const std::string wanted = text("wish");
    one.wanted = wanted == "pause" ? wish::pause : wanted == "commit" ? wish::commit : wish::run;
    // A reversal leaves the run that it turns around until its own can go on by itself.
    const bool is_over = text("phase") == sluice::state::to_string(sluice::state::run_phase::committed);
    if (!is_over) co_return one;
    committed = std::move(one);
  }
  co_return committed;
}

}  // namespace sluice::session
