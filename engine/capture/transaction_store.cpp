#include "engine/capture/transaction_store.hpp"

#include <algorithm>

namespace sluice::capture {

namespace {

bool same_bytes(bson::bytes_view a, bson::bytes_view b) noexcept {
  return std::ranges::equal(a, b);
}

/// Chains name the entry before each.
result<> check_link(bson::timestamp first, bson::timestamp last_read, const oplog_entry& entry) {
  if (entry.previous == last_read) return ok();
  return failure(error_kind::protocol, "the transaction of " + describe(first) + " goes on at " + describe(entry.at) +
                                           " behind its entry of " + describe(entry.previous) +
                                           ", but the last one read of it is of " + describe(last_read) +
                                           ": entries in between are missing");
}

}  // namespace

transaction::transaction(const oplog_entry& begin, bool whole, transaction_usage& usage)
    : session_(begin.session.begin(), begin.session.end()),
      number_(begin.txn_number),
      first_(begin.at),
      last_(begin.at),
      before_(begin.previous),
      whole_(whole),
      usage_(usage) {}

transaction::~transaction() {
  for (const auto& piece : in_memory_) usage_.memory_bytes -= piece->size();
  if (in_file_) usage_.file_bytes -= in_file_->unread_bytes();
}

bool transaction::continued_by(const oplog_entry& entry) const noexcept {
  if (!same_bytes(session_, entry.session) || number_ != entry.txn_number) return false;
  // Large writes outside of any session are chains as well (7.1 on); only their links tell them apart.
  return !session_.empty() || last_ == entry.previous;
}

result<transaction_piece> transaction::take_piece() {
  if (!in_memory_.empty()) {
    transaction_piece piece = std::move(in_memory_.front());
    in_memory_.pop_front();
    usage_.memory_bytes -= piece->size();
    return piece;
  }
  if (!in_file_ || in_file_->unread_bytes() == 0) return transaction_piece{};
  SLUICE_TRY(auto bytes, in_file_->take());
  usage_.file_bytes -= bytes.size();
  return std::make_shared<const std::vector<std::byte>>(std::move(bytes));
}

transaction_store::open_list::iterator transaction_store::find(const oplog_entry& entry) {
  return std::ranges::find_if(open_, [&entry](const auto& one) { return one->continued_by(entry); });
}

result<> transaction_store::session_begins_anew(const oplog_entry& entry) {
  if (entry.session.empty()) return ok();
  const auto same_session = [&entry](const auto& one) { return same_bytes(one->session_, entry.session); };
  const auto old = std::ranges::find_if(open_, same_session);
  if (old == open_.end()) return ok();
  if ((*old)->prepared_)
    return failure(error_kind::protocol, "a session begins a transaction at " + describe(entry.at) +
                                             " while its prepared one of " + describe((*old)->first_) +
                                             " has not ended: the oplog was not read in one piece");
  open_.erase(old);
  return ok();
}

result<> transaction_store::keep(const oplog_entry& entry, bool prepare) {
  const bool begins = entry.previous == bson::timestamp{};
  if (begins) {
    SLUICE_TRYV(session_begins_anew(entry));
  }
  auto found = begins ? open_.end() : find(entry);
  if (found == open_.end()) {
    found = open_.insert(open_.end(), std::make_unique<transaction>(entry, begins, usage_));
  } else {
    SLUICE_TRYV(check_link((*found)->first_, (*found)->last_, entry));
  }
  transaction& to = **found;
  to.last_ = entry.at;
  to.prepared_ = prepare;
  if (!to.whole_) return ok();  // it can only end with an error or with nothing
  return add_piece(to, entry.whole.bytes());
}

result<> transaction_store::add_piece(transaction& to, bson::bytes_view entry) {
  if (!to.in_file_ && usage_.memory_bytes + entry.size() <= memory_bytes_max_) {
    to.in_memory_.push_back(std::make_shared<const std::vector<std::byte>>(entry.begin(), entry.end()));
    usage_.memory_bytes += entry.size();
    return ok();
  }
  if (!to.in_file_) {
    SLUICE_TRY(to.in_file_, transaction_file::make(folder_));
  }
  SLUICE_TRYV(to.in_file_->append(entry));
  usage_.file_bytes += entry.size();
  return ok();
}

result<std::unique_ptr<transaction>> transaction_store::commit(const oplog_entry& entry) {
  const auto found = find(entry);
  if (found == open_.end()) return std::unique_ptr<transaction>{};
  SLUICE_TRYV(check_link((*found)->first_, (*found)->last_, entry));
  auto taken = std::move(*found);
  open_.erase(found);
  return taken;
}

void transaction_store::abort(const oplog_entry& entry) {
  if (const auto found = find(entry); found != open_.end()) open_.erase(found);
}

std::optional<bson::timestamp> transaction_store::oldest() const noexcept {
  std::optional<bson::timestamp> oldest;
  for (const auto& one : open_) {
    if (!oldest || one->first_ < *oldest) oldest = one->first_;
  }
  return oldest;
}

}  // namespace sluice::capture
