// Oplog entries in, changes out: takes chunks in their order, leaves out what is no change, and holds back transactions
// until they commit. A machine without sockets or clocks (only its spill file for transactions larger than memory).
//
//   reader.give(chunk);
//   for (;;) {
//     SLUICE_TRY(auto next, reader.next());
//     if (!next) break;            // the chunk is used up: give the next one
//     window.add(*next, reader.owner());
//   }
//   reader.position();             // everything up to here was given out
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>

#include "bson/document_view.hpp"
#include "engine/capture/change.hpp"
#include "engine/capture/change_chunk.hpp"
#include "engine/cluster/catalog.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::capture {

struct reader_options {
  /// Changes outside of it do not come out. Commands come out whenever one of the namespaces they name may be inside
  /// (a rename has two), and whenever they carry no namespace.
  cluster::namespace_filter filter{};
  /// Changes at or before this time were applied by an earlier process: entries up to there are read only for the sake
  /// of transactions that they begin.
  bson::timestamp applied{};
  /// Open transactions larger than this, together, continue in a file in `spill_folder`.
  std::size_t transaction_bytes_max = std::size_t{32} * 1024 * 1024;
  std::filesystem::path spill_folder{};
};

class change_reader {
 public:
  explicit change_reader(reader_options options);
  ~change_reader();
  change_reader(const change_reader&) = delete;
  change_reader& operator=(const change_reader&) = delete;

  /// The one before must be used up (asserted).
  void give(shared_chunk chunk);

  /// The next change of the chunk given last; nothing when it is used up. After an error the reader is of no further
  /// use: what it gave out before stands, nothing beyond may be applied. Errors: protocol: a malformed entry, or an
  /// operation that this version does not know, with the entry as extended JSON in the message; storage: the spill
  /// file.
  [[nodiscard]] result<std::optional<change>> next();
  /// Keeps the bytes of the change given last alive. The same pointer for all changes of one piece of memory.
  [[nodiscard]] const std::shared_ptr<const void>& owner() const noexcept;

  /// Every change at or before this time was given out (by next()).
  [[nodiscard]] bson::timestamp position() const noexcept;
  /// Where reading must begin again to find everything that takes effect after position(): the first entry of the
  /// oldest transaction that is still open, else position().
  [[nodiscard]] bson::timestamp resume_from() const noexcept;

  struct open_transactions {
    std::size_t count = 0;
    std::size_t memory_bytes = 0;
    std::size_t file_bytes = 0;
  };
  [[nodiscard]] open_transactions open() const noexcept;

 private:
  struct inner;
  std::unique_ptr<inner> inner_;
};

}  // namespace sluice::capture
