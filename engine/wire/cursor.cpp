#include "engine/wire/cursor.hpp"

#include <utility>

namespace sluice::wire {

task<result<>> cursor::open(bson::document find) {
  bson::builder command;
  command.append_all(find);
  if (!find.view().find("cursor") && !find.view().find("batchSize"))
    command.append("batchSize", options_.exhaust ? 0 : options_.batch_documents);
  bson::document whole = command.finish();
  SLUICE_CO_TRYV(co_await from_.send(database_, std::move(whole), false));
  SLUICE_CO_TRY(auto answer, co_await from_.receive(pool_, options_.reply_within));
  SLUICE_CO_TRY(auto first, take(std::move(answer), "firstBatch"));
  if (!first.empty() || first.last) first_ = std::move(first);
  co_return ok();
}

task<result<std::optional<batch>>> cursor::next() {
  if (first_) {
    std::optional<batch> taken = std::exchange(first_, std::nullopt);
    co_return taken;
  }
  if (finished_) co_return std::optional<batch>();
  if (!streaming_) {
    bson::document command = get_more();
    SLUICE_CO_TRYV(co_await from_.send(database_, std::move(command), options_.exhaust));
  }
  SLUICE_CO_TRY(auto answer, co_await from_.receive(pool_, options_.reply_within));
  streaming_ = answer.more_to_come;
  SLUICE_CO_TRY(auto following, take(std::move(answer), "nextBatch"));
  std::optional<batch> taken(std::move(following));
  co_return taken;
}

task<void> cursor::abandon() {
  if (finished_) co_return;
  finished_ = true;
  first_.reset();
  if (streaming_) {
    from_.close();
    co_return;
  }
  if (id_ == 0 || !from_.is_open()) co_return;
  bson::builder command;
  command.append("killCursors", collection_).open_array("cursors").push(id_).close();
  bson::document kill = command.finish();
  // Whether the server still knew the cursor does not matter.
  auto ignored = co_await from_.run(database_, std::move(kill));
  (void)ignored;
}

result<batch> cursor::take(reply from_server, std::string_view array_name) {
  const auto state = from_server.body.find("cursor").as_document();
  const auto documents = state ? state->find(array_name).as_array() : std::nullopt;
  const auto id = state ? state->find("id").to_int64() : std::nullopt;
  if (!documents || !id) {
    from_.close();
    return failure(error_kind::protocol, from_.host().to_string() + ": the reply to find/getMore on database " +
                                             database_ + " holds no cursor with " + std::string(array_name));
  }
  id_ = *id;
  if (collection_.empty()) {
    const auto ns = state->find("ns").as_string().value_or("");
    const auto dot = ns.find('.');
    if (dot != std::string_view::npos) collection_ = ns.substr(dot + 1);
  }
  finished_ = id_ == 0;

  batch taken;
  if (const auto time = from_server.body.find("operationTime"))
    taken.operation_time = time.as_timestamp().value_or(bson::timestamp{});
  if (const auto time = from_server.body.at("$clusterTime", "clusterTime"))
    taken.cluster_time = time.as_timestamp().value_or(bson::timestamp{});
  if (const auto token = state->find("postBatchResumeToken").as_document()) taken.resume_token = bson::document(*token);
  const bson::bytes_view array = documents->bytes();
  const auto offset = static_cast<std::size_t>(array.data() - from_server.memory.data());
  taken.memory = std::move(from_server.memory);
  taken.documents = {taken.memory.data() + offset, array.size()};
  taken.last = finished_;
  return taken;
}

bson::document cursor::get_more() const {
  bson::builder command;
  command.append("getMore", id_).append("collection", collection_).append("batchSize", options_.batch_documents);
  if (options_.await.count() != 0) command.append("maxTimeMS", static_cast<std::int64_t>(options_.await.count()));
  return command.finish();
}

}  // namespace sluice::wire
