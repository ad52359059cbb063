#include "engine/cluster/majority_command.hpp"

#include <utility>

#include "engine/wire/server_error.hpp"

namespace sluice::cluster {

task<result<>> run_by_majority(wire::connection& to, std::string database, bson::document command) {
  bson::builder whole;
  whole.append_all(command).open_document("writeConcern").append("w", "majority").close();
  bson::document sent = whole.finish();
  SLUICE_CO_TRY(auto answer, co_await to.run(database, std::move(sent)));
  if (auto concern = wire::write_concern_error_of_reply(answer.body, to.host().to_string()))
    co_return std::move(*concern);
  co_return ok();
}

}  // namespace sluice::cluster
