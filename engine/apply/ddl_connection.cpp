// How DDL talks to both sides: on their primaries, again after elections, and of the destination with majority.
#include <utility>

#include "engine/apply/ddl.hpp"
#include "engine/cluster/command_cursor.hpp"
#include "engine/cluster/shard_key.hpp"
#include "engine/wire/retry.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::apply {

namespace {

/// The first error of single statements (delete), which a reply that says ok may hold.
std::optional<error> statement_error(const wire::reply& answer, const std::string& host) {
  const auto field = answer.body.find("writeErrors");
  const auto all = field ? field.as_array() : std::nullopt;
  if (!all || all->empty()) return {};
  const auto first = (*all->begin()).as_document();
  if (!first) return {};
  const auto code = first->find("code");
  const auto words = first->find("errmsg");
  return error{error_kind::server,
               host + ": " + std::string(words ? words.as_string().value_or("") : "a write was refused"),
               static_cast<std::int32_t>(code ? code.to_int64().value_or(0) : 0),
               {}};
}

bson::document list_collections(const cluster::namespace_name& ns, bson::bytes_view uuid) {
  bson::builder command;
  command.append("listCollections", 1).open_document("filter");
  if (uuid.empty()) {
    command.append("name", ns.collection);
  } else {
    command.append("info.uuid", bson::binary_view{.subtype = 4, .data = uuid});
  }
  return command.close().finish();
}

}  // namespace

task<result<>> ddl::open(side& where) {
  if (where.connection && where.connection->is_open()) co_return ok();
  where.connection.reset();
  SLUICE_CO_TRY(where.connection, co_await cluster::connect_primary(where.of, scope_, patience_));
  co_return ok();
}

task<result<>> ddl::at(side& where, on_connection attempt) {
  auto once = [&]() -> task<result<>> {
    SLUICE_CO_TRYV(co_await open(where));
    auto outcome = co_await attempt(*where.connection);
    if (outcome.has_error() && wire::is_retryable(outcome.error())) where.connection->close();
    co_return outcome;
  };
  co_return co_await wire::retry(once, patience_, scope_);
}

task<result<>> ddl::run(std::string database, bson::document command) {
  bson::builder with_concern;
  with_concern.append_all(command).open_document("writeConcern").append("w", "majority").close();
  const bson::document whole = with_concern.finish();
  on_connection once = [&](wire::connection& to) -> task<result<>> {
    SLUICE_CO_TRYV(co_await state::wait_until_permitted(may_write_, scope_));
    bson::document sent = whole;
    SLUICE_CO_TRY(const auto answer, co_await to.run(database, std::move(sent)));
    const auto host = to.host().to_string();
    if (auto refused = statement_error(answer, host)) co_return *std::move(refused);
    if (auto concern = wire::write_concern_error_of_reply(answer.body, host)) co_return *std::move(concern);
    co_return ok();
  };
  co_return co_await at(destination_, std::move(once));
}

task<result<std::optional<bson::document>>> ddl::described(cluster::namespace_name ns) {
  std::optional<bson::document> found;
  on_connection once = [&](wire::connection& to) -> task<result<>> {
    found.reset();
    bson::document list = list_collections(ns, {});
    SLUICE_CO_TRY(auto listed, co_await cluster::run_cursor(to, ns.database, std::move(list)));
    if (!listed.documents.empty()) found = std::move(listed.documents.front());
    co_return ok();
  };
  SLUICE_CO_TRYV(co_await at(destination_, std::move(once)));
  co_return found;
}

task<result<std::optional<cluster::collection_info>>> ddl::read_source(cluster::namespace_name ns,
                                                                       std::vector<std::byte> uuid) {
  std::optional<cluster::collection_info> found;
  on_connection once = [&](wire::connection& from) -> task<result<>> {
    found.reset();
    // Its name first, then the catalog under that name. A rename in between leads nowhere: ask again.
    for (;;) {
      bson::document list = list_collections(ns, uuid);
      SLUICE_CO_TRY(const auto listed, co_await cluster::run_cursor(from, ns.database, std::move(list)));
      if (listed.documents.empty()) co_return ok();
      const auto name = listed.documents.front().view().find("name");
      cluster::namespace_name now{ns.database, std::string(name ? name.as_string().value_or("") : "")};
      if (auto owner = cluster::owner_of_buckets(now)) now = *std::move(owner);
      cluster::namespace_filter only;
      only.include.emplace_back(now.to_string());
      SLUICE_CO_TRY(auto catalog, co_await cluster::read_catalog(from, only, false));
      if (from.hello().is_mongos && destination_.of.kind == cluster::deployment_kind::sharded) {
        SLUICE_CO_TRY(const auto keys, co_await cluster::read_shard_keys(from));
        cluster::take_shard_keys(catalog, keys);
      }
      for (auto& info : catalog.collections)
        if (uuid.empty() || info.uuid == uuid) found = std::move(info);
      if (found) co_return ok();
    }
  };
  SLUICE_CO_TRYV(co_await at(source_, std::move(once)));
  co_return found;
}

}  // namespace sluice::apply
