#include "engine/wire/mongoc_library.hpp"

#include <cassert>
#include <mutex>

#include <mongoc/mongoc.h>

namespace sluice::wire {

namespace {

thread_local mongoc_messages* listener = nullptr;

}  // namespace

struct mongoc_log {
  static void handle(mongoc_log_level_t level, const char*, const char* message, void*) {
    if (listener == nullptr || level > MONGOC_LOG_LEVEL_WARNING) return;
    std::string text(message);
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    listener->warnings_.push_back(std::move(text));
  }
};

void require_mongoc() {
  static std::once_flag once;
  std::call_once(once, [] {
    // Before mongoc_init, which logs too. mongoc_cleanup is left to the end of the process: it may run once only.
    mongoc_log_set_handler(&mongoc_log::handle, nullptr);
    mongoc_init();
    mongoc_handshake_data_append("sluice", nullptr, nullptr);
  });
}

mongoc_messages::mongoc_messages() {
  assert(listener == nullptr);
  listener = this;
}

mongoc_messages::~mongoc_messages() {
  listener = nullptr;
}

}  // namespace sluice::wire
