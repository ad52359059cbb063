// The few calls of libmongoc that the laboratory needs, with errors that name the command.
#include "tests/lab/mongo.hpp"

#include <array>
#include <cstdio>
#include <cstring>

#include "tests/lab/child_process.hpp"

namespace sluice::lab {
namespace {

// libmongoc wants to be told once; its log would go to stderr, between the lines of a test's output.
struct mongoc_library {
  mongoc_library() {
    mongoc_log_set_handler(nullptr, nullptr);
    mongoc_init();
  }
};

void start_library() {
  static const mongoc_library once;
}

std::string command_name(const document& command) {
  bson_iter_t first;
  return bson_iter_init(&first, command.get()) && bson_iter_next(&first) ? bson_iter_key(&first) : "(empty command)";
}

bool find(const document& in, const char* path, bson_iter_t& found) {
  bson_iter_t start;
  return bson_iter_init(&start, in.get()) && bson_iter_find_descendant(&start, path, &found);
}

}  // namespace

document document::json(std::string_view text) {
  bson_error_t error;
  bson_t* parsed =
      bson_new_from_json(reinterpret_cast<const std::uint8_t*>(text.data()), static_cast<ssize_t>(text.size()), &error);
  if (parsed == nullptr) {
    throw failure("bad extended JSON: " + std::string(error.message) + ": " + std::string(text.substr(0, 200)));
  }
  return document(parsed);
}

document document::bytes(std::string_view raw) {
  bson_t* parsed = bson_new_from_data(reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size());
  if (parsed == nullptr) {
    throw failure("bytes whose length field does not fit");
  }
  return document(parsed);
}

std::string_view document::raw() const noexcept {
  return raw_of(*bson_);
}

std::int64_t document::integer(const char* path) const {
  bson_iter_t at;
  return find(*this, path, at) ? bson_iter_as_int64(&at) : 0;
}

double document::number(const char* path) const {
  bson_iter_t at;
  return find(*this, path, at) ? bson_iter_as_double(&at) : 0;
}

bool document::boolean(const char* path) const {
  bson_iter_t at;
  return find(*this, path, at) && bson_iter_as_bool(&at);
}

std::string document::text(const char* path) const {
  bson_iter_t at;
  if (!find(*this, path, at) || !BSON_ITER_HOLDS_UTF8(&at)) {
    return {};
  }
  std::uint32_t length = 0;
  const char* value = bson_iter_utf8(&at, &length);
  return {value, length};
}

bool document::has(const char* path) const {
  bson_iter_t at;
  return find(*this, path, at);
}

document document::child(const char* path) const {
  bson_iter_t at;
  const std::uint8_t* data = nullptr;
  std::uint32_t length = 0;
  if (find(*this, path, at)) {
    if (BSON_ITER_HOLDS_DOCUMENT(&at)) {
      bson_iter_document(&at, &length, &data);
    } else if (BSON_ITER_HOLDS_ARRAY(&at)) {
      bson_iter_array(&at, &length, &data);
    }
  }
  return data == nullptr ? document{} : bytes({reinterpret_cast<const char*>(data), length});
}

std::vector<document> document::elements() const {
  std::vector<document> result;
  bson_iter_t at;
  bson_iter_init(&at, get());
  while (bson_iter_next(&at)) {
    if (BSON_ITER_HOLDS_DOCUMENT(&at)) {
      const std::uint8_t* data = nullptr;
      std::uint32_t length = 0;
      bson_iter_document(&at, &length, &data);
      result.push_back(bytes({reinterpret_cast<const char*>(data), length}));
    }
  }
  return result;
}

std::string_view raw_of(const bson_t& bson) noexcept {
  return {reinterpret_cast<const char*>(bson_get_data(&bson)), bson.len};
}

std::string to_text(const bson_t& bson, std::size_t limit) {
  std::string result;
  if (bson_validate(&bson, BSON_VALIDATE_UTF8_ALLOW_NULL, nullptr)) {
    std::size_t length = 0;
    if (char* text = bson_as_canonical_extended_json(&bson, &length)) {
      result.assign(text, length);
      bson_free(text);
    }
  }
  if (result.empty()) {
    result = "hex ";
    for (const char byte : raw_of(bson).substr(0, limit / 2)) {
      std::array<char, 3> digits{};
      std::snprintf(digits.data(), digits.size(), "%02x", static_cast<unsigned>(static_cast<unsigned char>(byte)));
      result += digits.data();
    }
  }
  if (result.size() > limit) {
    result.resize(limit);
    result += "…";
  }
  return result;
}

std::string json_escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      result += escape.data();
      continue;
    }
    if (c == '"' || c == '\\') {
      result += '\\';
    }
    result += c;
  }
  return result;
}

client::client(const std::string& uri) {
  start_library();
  bson_error_t error;
  const std::unique_ptr<mongoc_uri_t, decltype(&mongoc_uri_destroy)> parsed(
      mongoc_uri_new_with_error(uri.c_str(), &error), mongoc_uri_destroy);
  if (!parsed) {
    throw failure("bad connection string: " + std::string(error.message));
  }
  client_.reset(mongoc_client_new_from_uri(parsed.get()));
  if (!client_) {
    throw failure("libmongoc makes no client of this connection string (TLS files missing?)");
  }
  mongoc_client_set_error_api(client_.get(), MONGOC_ERROR_API_VERSION_2);
}

bool client::try_run(const char* database, const document& command, document& reply, bson_error_t& error) {
  reply_buffer said;
  const bool good = mongoc_client_command_simple(client_.get(), database, command.get(), nullptr, said.get(), &error);
  reply = said.copy();
  return good;
}

document client::run(const char* database, const document& command) {
  document reply;
  bson_error_t error;
  if (!try_run(database, command, reply, error)) {
    throw failure(command_name(command) + " on " + database + ": " + error.message);
  }
  for (const char* path : {"writeErrors", "writeConcernError"}) {
    if (reply.has(path)) {
      throw failure(command_name(command) + " on " + database + ": " + to_text(*reply.get()));
    }
  }
  return reply;
}

document client::run(const char* database, std::string_view command) {
  return run(database, document::json(command));
}

void client::insert(const char* database, const char* collection, std::span<const document> documents) {
  const collection_handle target(mongoc_client_get_collection(client_.get(), database, collection));
  static const document options = document::json(R"({"ordered": false, "validate": false})");
  constexpr std::size_t batch = 4000;  // libmongoc takes any number; this bounds the pointers on the stack
  const bson_t* pointers[batch];
  for (std::size_t start = 0; start < documents.size(); start += batch) {
    std::size_t filled = 0;
    for (const auto& one : documents.subspan(start, std::min(batch, documents.size() - start))) {
      pointers[filled++] = one.get();
    }
    bson_error_t error;
    if (!mongoc_collection_insert_many(target.get(), pointers, filled, options.get(), nullptr, &error)) {
      throw failure(std::string("insert into ") + database + "." + collection + ": " + error.message);
    }
  }
}

std::int64_t client::count(const char* database, const char* collection) {
  const collection_handle target(mongoc_client_get_collection(client_.get(), database, collection));
  const document everything;
  bson_error_t error;
  const auto count =
      mongoc_collection_count_documents(target.get(), everything.get(), nullptr, nullptr, nullptr, &error);
  if (count < 0) {
    throw failure(std::string("count of ") + database + "." + collection + ": " + error.message);
  }
  return count;
}

int client::server_version() {
  const document reply = run("admin", R"({"buildInfo": 1})");
  return static_cast<int>(reply.integer("versionArray.0") * 100 + reply.integer("versionArray.1"));
}

}  // namespace sluice::lab
