#include "engine/session/namespace_choice.hpp"

#include <utility>

#include "engine/cluster/catalog.hpp"

namespace sluice::session {

result<namespace_choice> choose_namespaces(const copy_settings& settings) {
  namespace_choice choice;
  SLUICE_TRY(choice.filter, cluster::parse_filter(settings.include, settings.exclude));
  return choice;
}

result<namespace_choice> choose_namespaces(const sync_settings& settings) {
  SLUICE_TRY(auto choice, choose_namespaces(settings.copy));
  if (settings.block_writes == write_blocking::source_and_destination && !choice.filter.is_everything()) {
    return failure(error_kind::configuration,
                   "a source of which only a part is migrated cannot refuse its writes, which would be those to the "
                   "other part, too: choose destinationOnly or none, and stop the applications yourself");
  }
  return choice;
}

task<result<std::vector<std::string>>> find_idle_rules(wire::connection& source, namespace_choice choice) {
  std::vector<std::string> sentences;
  if (choice.filter.is_everything()) co_return sentences;
  SLUICE_CO_TRY(const auto names, co_await cluster::read_names(source));
  SLUICE_CO_TRY(const auto idle, cluster::rules_without_effect(choice.filter, names));
  for (const std::string& rule : idle) {
    sentences.push_back("the filter " + rule +
                        " matches nothing that the source holds now; make sure that its names are spelled as there");
  }
  co_return sentences;
}

}  // namespace sluice::session
