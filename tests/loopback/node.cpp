// Identity, clock and cursors of a loopback server.
#include "tests/loopback/node.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <random>
#include <stdexcept>

namespace sluice::loopback {
namespace {

/// Two servers of one process must differ as well, so the device is asked instead of the seed.
template <std::size_t Size>
void fill_random(std::byte (&bytes)[Size]) {
  std::random_device random;
  for (auto& byte : bytes) byte = std::byte(random() & 0xFFU);
}

std::int32_t wire_version_of(const std::string& version) {
  static const std::map<std::string, std::int32_t> known{{"4.2", 8},  {"4.4", 9},  {"5.0", 13},
                                                         {"6.0", 17}, {"7.0", 21}, {"8.0", 25}};
  const auto found = known.find(version.substr(0, version.find('.', version.find('.') + 1)));
  if (found == known.end()) throw std::invalid_argument("unknown server version " + version + "; try 6.0.27");
  return found->second;
}

}  // namespace

std::int64_t now_ms() {
  using std::chrono::system_clock;
  return std::chrono::duration_cast<std::chrono::milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::int64_t cursor_table::open(scan started) {
  const std::lock_guard lock(mutex_);
  scans_.emplace(++last_id_, std::move(started));
  return last_id_;
}

std::optional<scan> cursor_table::take(std::int64_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = scans_.find(id);
  if (found == scans_.end()) return std::nullopt;
  scan taken = std::move(found->second);
  scans_.erase(found);
  return taken;
}

void cursor_table::put_back(std::int64_t id, scan rest) {
  const std::lock_guard lock(mutex_);
  scans_.emplace(id, std::move(rest));
}

bool cursor_table::kill(std::int64_t id) {
  const std::lock_guard lock(mutex_);
  return scans_.erase(id) > 0;
}

bool cursor_table::holds(std::int64_t id) const {
  const std::lock_guard lock(mutex_);
  return scans_.contains(id);
}

std::size_t cursor_table::size() const {
  const std::lock_guard lock(mutex_);
  return scans_.size();
}

node::node(server_options chosen, std::uint16_t port)
    : options(std::move(chosen)),
      me(options.host + ":" + std::to_string(port)),
      version_major(options.version.front() - '0'),
      wire_version_max(wire_version_of(options.version)),
      data(options.data),
      catalog(options.data.seed),
      clock_(static_cast<std::uint64_t>(now_ms() / 1000) << 32U | 1U) {
  fill_random(process_id.bytes);
  fill_random(replica_set_id.bytes);
  std::byte id[16];
  fill_random(id);
  std::ranges::copy(id, initial_sync_id.begin());
  for (std::uint64_t i = 0; i < options.data.collections; ++i) {
    const auto made = catalog.create(options.data.database + "." + data.collection_name(i)).first;
    made->data_set_number = i;
  }
  for (const auto& planned : options.faults) faults.add(planned);
}

bool node::is_stored(std::string_view database) const {
  return std::ranges::find(options.stored_databases, database) != options.stored_databases.end();
}

bson::object_id node::election_id() const {
  bson::object_id id;
  id.bytes[0] = std::byte{0x7F};
  id.bytes[1] = id.bytes[2] = id.bytes[3] = std::byte{0xFF};
  auto value = static_cast<std::uint64_t>(term.load());
  for (std::size_t i = 12; i-- > 4; value >>= 8U) id.bytes[i] = std::byte(value & 0xFFU);
  return id;
}

bson::timestamp node::operation_time() const {
  const std::uint64_t clock = clock_.load();
  return {static_cast<std::uint32_t>(clock >> 32U), static_cast<std::uint32_t>(clock)};
}

bson::timestamp node::advance_time() {
  const std::uint64_t clock = ++clock_;
  return {static_cast<std::uint32_t>(clock >> 32U), static_cast<std::uint32_t>(clock)};
}

void node::append_optime(bson::builder& into, std::string_view key, bson::timestamp at) const {
  into.open_document(key).append("ts", at).append("t", term.load()).close();
}

void node::change_role(bool now_writable) {
  const std::lock_guard lock(topology_mutex);
  if (now_writable && !writable) ++term;
  writable = now_writable;
  ++topology_version;
  topology_changed.notify_all();
}

}  // namespace sluice::loopback
