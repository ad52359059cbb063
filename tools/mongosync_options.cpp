#include "tools/mongosync_options.hpp"

#include <algorithm>
#include <array>

namespace sluice::tools {
namespace {

struct refused_option {
  std::string_view name;
  std::string_view reason;
};

constexpr std::array refused{
    refused_option{"id", "one process copies the whole replica set; leave it out"},
    refused_option{"hotDocIDs", "changes of one document are combined by themselves; leave it out"},
    refused_option{"enableCappedCollectionHandling", "capped collections are always handled; leave it out"},
    refused_option{"acceptRemoteAPIRequest", "give --bind with the address to listen on, and --api-token-file"},
    refused_option{"enableVerifierPersistence", "what is verified needs hardly any memory; leave it out"},
    refused_option{"longRetryTime", "use retry-seconds"},
    refused_option{"oplogRolloverResilienceIntervalSeconds",
                   "changes wait in the spool (spool-gb), whatever the oplog does; leave it out"},
};

constexpr std::array<std::string_view, 2> without_effect{"acceptDisclaimer", "disableTelemetry"};

}  // namespace

std::optional<std::string> reason_to_refuse(std::string_view name) {
  const auto found = std::ranges::find(refused, name, &refused_option::name);
  if (found == refused.end()) return std::nullopt;
  return "\"" + std::string(name) +
         "\" is an option of mongosync that cannot apply here: " + std::string(found->reason);
}

std::span<const std::string_view> options_without_effect() {
  return without_effect;
}

}  // namespace sluice::tools
