// Positions of applying. What load_position returns must survive whatever happens to the destination, and the process
// may have died between any two writes. The one document of "apply":
//
//   {_id: "position", epoch, number, now: {applied, resumeFrom, number, term, election}, before: {applied, resumeFrom}}
//
// `now` is the position stored last. It is durable if its document was written in the reign in which everything up to
// it had been acknowledged: this majority write then fences all of that. Who got the reply knows, and says so in the
// document of the run (confirmedApply, with the next renewal) and in `before` (with the next position). Who did not may
// still tell: while the reign has not changed since, it was the one of the write too.
//
// A command that its sender has given up may still run later. So each position has a number and each owner of the run
// an epoch, and a write of an earlier one finds nothing to change.
#include <algorithm>
#include <ranges>
#include <set>

#include "engine/state/checkpoint.hpp"
#include "engine/state/checkpoint_commands.hpp"
#include "engine/wire/server_error.hpp"

namespace sluice::state {

namespace {

constexpr std::string_view collection = "apply";

struct stored_now {
  position at;
  std::int64_t number = 0;
  wire::write_term term;
};

std::optional<position> read_position(bson::document_view stored) {
  const auto applied = stored.find("applied");
  const auto resume_from = stored.find("resumeFrom");
  const auto applied_at = applied ? applied.as_timestamp() : std::nullopt;
  const auto from = resume_from ? resume_from.as_timestamp() : std::nullopt;
  if (!applied_at || !from) return {};
  return position{*applied_at, *from};
}

std::optional<stored_now> read_now(bson::document_view stored) {
  const auto at = read_position(stored);
  const auto number = stored.find("number").to_int64();
  const auto term = stored.find("term").to_int64();
  const auto election = stored.find("election").as_object_id();
  if (!at || !number || !term || !election) return {};
  return stored_now{*at, *number, {.term = *term, .election = *election}};
}

void append_position(bson::builder& to, const position& at) {
  to.append("applied", at.applied).append("resumeFrom", at.resume_from);
}

/// The `_id`s of collection_map: a UUID's 16 bytes as lower-case hex.
std::string map_key(const std::vector<std::byte>& uuid) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string key;
  key.reserve(uuid.size() * 2);
  for (const std::byte one : uuid) {
    const auto value = std::to_integer<std::size_t>(one);
    key += digits[value >> 4U];
    key += digits[value & 15U];
  }
  return key;
}

}  // namespace

/// The document as it stood when nobody else could write it any more, and the destination's term at that time.
struct checkpoint::claimed {
  bson::document stored;
  wire::write_term term;
};

task<result<bool>> checkpoint::store_position(position at, wire::write_term written_in) {
  return in_turn(store_position_now(at, written_in));
}
task<result<std::optional<position>>> checkpoint::load_position(wire::write_term now) {
  return in_turn(load_position_now(now));
}
task<result<>> checkpoint::store_mapped(std::vector<bson::document> mapped,
                                        std::vector<std::vector<std::byte>> unmapped) {
  return in_turn(store_mapped_now(std::move(mapped), std::move(unmapped)));
}

task<result<checkpoint::claimed>> checkpoint::claim_positions() {
  if (owner_.empty()) co_return taken_over();
  positions_claimed_ = false;
  bson::builder filter;
  filter.append("_id", "position").open_document("epoch").append("$lte", epoch_).close();
  bson::builder mine;
  mine.open_document("$set").append("epoch", epoch_).close();
  mine.open_document("$inc").append("number", std::int64_t{1}).close();
  bson::document whole = update_command(collection, filter.finish(), mine.finish(), true);
  auto answer = co_await run_write(std::move(whole));
  if (answer.has_error()) {
    // It is there, and of a later epoch.
    if (answer.error().server_code == wire::duplicate_key) co_return taken_over();
    co_return answer.error();
  }
  SLUICE_CO_TRY(auto documents, co_await load_now(collection));
  const auto is_position = [](const bson::document& one) {
    const auto id = one.view().find("_id");
    return id && id.as_string() == "position";
  };
  const auto found = std::ranges::find_if(documents, is_position);
  if (found == documents.end() || found->view().find("epoch").to_int64() != epoch_) co_return taken_over();
  claimed claim{.stored = std::move(*found), .term = wire::term_of_reply(answer.value().body)};
  co_return claim;
}

result<> checkpoint::settle_positions(const claimed& claim, wire::write_term now) {
  const auto stored = claim.stored.view();
  const auto newest = stored.find("now").as_document();
  const auto before = stored.find("before").as_document();
  const auto number = stored.find("number").to_int64();
  const auto read = newest ? read_now(*newest) : std::nullopt;
  const auto fallback = before ? read_position(*before) : std::nullopt;
  // A run that once confirmed a position has one, and no position stands before nothing.
  const bool missing = !read && (durable_number_ > 0 || fallback);
  if (!number || missing || bool(stored.find("now")) != read.has_value() ||
      bool(stored.find("before")) != fallback.has_value()) {
    return failure(error_kind::refused, "the checkpoint's position of applying is damaged; start over with --reset");
  }
  const auto in_this_reign = [&claim, now](const wire::write_term& written_in) {
    if (!claim.term.known() || now != claim.term) return false;
    return !written_in.known() || written_in == claim.term;  // unknown: nothing was written since `before`
  };
  const bool counts = read && (read->number == durable_number_ || in_this_reign(read->term));
  durable_ = counts ? std::optional(read->at) : fallback;
  durable_number_ = counts ? read->number : 0;
  position_number_ = *number;
  positions_claimed_ = true;
  return ok();
}

task<result<std::optional<position>>> checkpoint::load_position_now(wire::write_term now) {
  SLUICE_CO_TRY(const auto claim, co_await claim_positions());
  SLUICE_CO_TRYV(settle_positions(claim, now));
  co_return durable_;
}

task<result<bool>> checkpoint::store_position_now(position at, wire::write_term written_in) {
  if (!positions_claimed_) {
    SLUICE_CO_TRY(const auto claim, co_await claim_positions());
    SLUICE_CO_TRYV(settle_positions(claim, claim.term));
  }
  const std::int64_t number = ++position_number_;
  bson::builder filter;
  filter.append("_id", "position").append("epoch", epoch_);
  filter.open_document("number").append("$lte", number).close();
  bson::builder set;
  set.open_document("$set").append("number", number).open_document("now");
  append_position(set, at);
  set.append("number", number).append("term", written_in.term).append("election", written_in.election).close();
  if (durable_) {
    set.open_document("before");
    append_position(set, *durable_);
    set.close();
  }
  set.close();
  bson::document whole = update_command(collection, filter.finish(), set.finish(), false);
  SLUICE_CO_TRY(const auto answer, co_await run_write(std::move(whole)));
  if (answer.body.find("n").to_int64().value_or(0) == 0) co_return taken_over();
  if (written_in.known() && wire::term_of_reply(answer.body) != written_in) co_return false;
  durable_ = at;
  durable_number_ = number;
  co_return true;
}

task<result<>> checkpoint::store_mapped_now(std::vector<bson::document> mapped,
                                            std::vector<std::vector<std::byte>> unmapped) {
  // The last one for each `_id`; an unordered command must not hold two.
  std::set<std::string, std::less<>> seen;
  std::vector<bson::document> last;
  for (auto one = mapped.rbegin(); one != mapped.rend(); ++one) {
    const auto id = one->view().find("_id");
    if (seen.emplace(id ? id.as_string().value_or("") : "").second) last.push_back(std::move(*one));
  }
  std::vector<std::string> gone;
  for (const auto& uuid : unmapped) {
    if (std::string key = map_key(uuid); !seen.contains(key)) gone.push_back(std::move(key));
  }
  if (!last.empty()) {
    SLUICE_CO_TRYV(co_await add_now("mapped", std::move(last)));
  }
  if (!gone.empty()) {
    SLUICE_CO_TRYV(co_await remove_now("mapped", std::move(gone)));
  }
  co_return ok();
}

}  // namespace sluice::state
