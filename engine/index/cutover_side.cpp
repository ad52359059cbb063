#include "engine/index/cutover_side.hpp"

#include <utility>

#include "engine/cluster/shard_key.hpp"
#include "engine/wire/retry.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::index {

namespace {

std::optional<error> first_write_error(bson::document_view reply, const std::string& host) {
  const auto field = reply.find("writeErrors");
  const auto all = field ? field.as_array() : std::nullopt;
  if (!all || all->empty()) return {};
  const auto first = (*all->begin()).as_document();
  if (!first) return {};
  const auto words = first->find("errmsg");
  const auto code = first->find("code");
  return error{error_kind::server,
               host + ": " + std::string(words ? words.as_string().value_or("") : "a write was refused"),
               static_cast<std::int32_t>(code ? code.to_int64().value_or(0) : 0),
               {}};
}

}  // namespace

task<result<>> cutover_side::at(on_connection attempt) {
  auto once = [&]() -> task<result<>> {
    if (!connection_ || !connection_->is_open()) {
      connection_.reset();
      SLUICE_CO_TRY(connection_, co_await cluster::connect_primary(of_, scope_, patience_));
    }
    auto outcome = co_await attempt(*connection_);
    if (outcome.has_error() && wire::is_retryable(outcome.error())) connection_->close();
    co_return outcome;
  };
  co_return co_await wire::retry(once, patience_, scope_);
}

task<result<>> cutover_side::change(std::string database, bson::document command) {
  bson::builder with_concern;
  with_concern.append_all(command).open_document("writeConcern").append("w", "majority").close();
  const bson::document whole = with_concern.finish();
  on_connection once = [&](wire::connection& to) -> task<result<>> {
    SLUICE_CO_TRYV(co_await state::wait_until_permitted(may_write_, scope_));
    bson::document sent = whole;
    SLUICE_CO_TRY(const auto answer, co_await to.run(database, std::move(sent)));
    const auto host = to.host().to_string();
    if (auto refused = first_write_error(answer.body, host)) co_return *std::move(refused);
    if (auto concern = wire::write_concern_error_of_reply(answer.body, host)) co_return *std::move(concern);
    co_return ok();
  };
  co_return co_await at(std::move(once));
}

task<result<cluster::catalog>> cutover_side::read(cluster::namespace_filter filter, bool with_shard_keys) {
  cluster::catalog found;
  on_connection once = [&](wire::connection& node) -> task<result<>> {
    SLUICE_CO_TRY(found, co_await cluster::read_catalog(node, filter, true));
    if (with_shard_keys) {
      SLUICE_CO_TRY(const auto keys, co_await cluster::read_shard_keys(node));
      cluster::take_shard_keys(found, keys);
    }
    co_return ok();
  };
  SLUICE_CO_TRYV(co_await at(std::move(once)));
  co_return found;
}

task<result<std::vector<bson::document>>> cutover_side::find(std::string database, bson::document command) {
  bson::builder with_concern;
  with_concern.append_all(command).append("singleBatch", true);
  with_concern.open_document("readConcern").append("level", "majority").close();
  const bson::document whole = with_concern.finish();
  std::vector<bson::document> found;
  on_connection once = [&](wire::connection& node) -> task<result<>> {
    found.clear();
    bson::document sent = whole;
    SLUICE_CO_TRY(const auto answer, co_await node.run(database, std::move(sent)));
    const auto field = answer.body.at("cursor", "firstBatch");
    const auto batch = field ? field.as_array() : std::nullopt;
    if (!batch) co_return failure(error_kind::protocol, node.host().to_string() + ": find answers without a batch");
    for (const auto each : *batch)
      if (const auto one = each.as_document()) found.emplace_back(*one);
    co_return ok();
  };
  SLUICE_CO_TRYV(co_await at(std::move(once)));
  co_return found;
}

}  // namespace sluice::index
