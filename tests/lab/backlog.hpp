// Changes of one kind and a known number, made as fast as the server takes them: what catching up is measured with.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::lab {

struct backlog_options {
  /// "mixed": 40 % inserts, 45 % $set and $inc, 8 % $push, 7 % deletes, of three collections; "hot": updates of one
  /// document; "namespace": the same mixture in one collection; "deletes": in a row, in the order of _id; "ttl":
  /// deletes of random documents, one statement each; "transaction": inserts of one transaction.
  std::string kind = "mixed";
  std::uint64_t changes = 150'000;
  std::uint64_t seed = 1;
  std::string database = "backlog";
};

/// The documents that the changes are about; before the run that is measured.
void prepare_backlog(const std::string& uri, const backlog_options& options);
/// Makes the changes; how many there were.
std::uint64_t make_backlog(const std::string& uri, const backlog_options& options);
/// Mixed changes at an even rate, for so long; how many there were.
std::uint64_t write_at_rate(const std::string& uri, const backlog_options& options, double changes_per_second,
                            double seconds);

}  // namespace sluice::lab
