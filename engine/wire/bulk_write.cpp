#include "engine/wire/bulk_write.hpp"

#include "engine/wire/server_error.hpp"

namespace sluice::wire {

write_term term_of_reply(bson::document_view reply) {
  write_term found;
  found.term = reply.at("opTime", "t").to_int64().value_or(-1);
  found.election = reply.find("electionId").as_object_id().value_or(bson::object_id{});
  return found;
}

void append_data_write_concern(bson::builder& to, bool by_majority) {
  to.open_document("writeConcern");
  if (by_majority) {
    to.append("w", "majority");
  } else {
    to.append("w", 1);
  }
  to.close();
}

namespace {

/// Only duplicates of `_id` are expected. Servers before 4.4 gave no keyPattern; all that we write to give it.
bool is_id_duplicate(bson::document_view write_error, std::int32_t code) {
  if (code != duplicate_key) return false;
  const auto pattern = write_error.find("keyPattern").as_document();
  return !pattern || (pattern->begin() != pattern->end() && pattern->begin()->key() == "_id" &&
                      ++pattern->begin() == pattern->end());
}

result<insert_outcome> read_outcome(bson::document_view reply, const std::string& host, const std::string& ns) {
  insert_outcome outcome;
  outcome.inserted = reply.find("n").to_int64().value_or(0);
  outcome.term = term_of_reply(reply);
  const auto write_errors = reply.find("writeErrors").as_array();
  if (write_errors) {
    for (const auto element : *write_errors) {
      const auto entry = element.as_document();
      if (!entry) continue;
      const auto code = static_cast<std::int32_t>(entry->find("code").to_int64().value_or(0));
      if (is_id_duplicate(*entry, code)) {
        ++outcome.duplicates;
        continue;
      }
      refused_document refused{static_cast<std::int32_t>(entry->find("index").to_int64().value_or(-1)), code,
                               std::string(entry->find("errmsg").as_string().value_or(""))};
      error as_error{error_kind::server, host + ": insert into " + ns + ": " + refused.message, code, {}};
      if (is_retryable(as_error)) return as_error;
      outcome.refused.push_back(std::move(refused));
    }
  }
  if (auto concern = write_concern_error_of_reply(reply, host)) return std::move(*concern);
  return outcome;
}

}  // namespace

task<result<insert_outcome>> insert(connection& to, std::string database, std::string collection,
                                    bson::bytes_view documents, insert_options options) {
  bson::builder head;
  head.append("insert", collection).append("ordered", false).append("bypassDocumentValidation", true);
  if (options.bypass_empty_timestamp) head.append("bypassEmptyTsReplacement", true);
  append_data_write_concern(head, options.by_majority);
  bson::document command = head.finish();
  SLUICE_CO_TRY(auto answer, co_await to.run_with_array(database, std::move(command), "documents", documents));
  co_return read_outcome(answer.body, to.host().to_string(), database + "." + collection);
}

}  // namespace sluice::wire
