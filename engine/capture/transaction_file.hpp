// What an open transaction has beyond the memory allowed to it: a file without a name, which goes with its descriptor,
// so that nothing is left behind however the process ends. Written once, then read once, whole entries at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "bson/document_view.hpp"
#include "engine/runtime/result.hpp"

namespace sluice::capture {

class transaction_file {
 public:
  /// Makes the folder if it is missing (mode 0700). Error (storage): the path, the cause.
  [[nodiscard]] static result<std::unique_ptr<transaction_file>> make(const std::filesystem::path& folder);
  ~transaction_file();
  transaction_file(const transaction_file&) = delete;
  transaction_file& operator=(const transaction_file&) = delete;

  /// Adds a document to the end. Error (storage): the file is of no further use.
  [[nodiscard]] result<> append(bson::bytes_view document);
  /// Takes the next document from the front, validated again; only while there is one (unread_bytes() > 0). Error
  /// (storage): it cannot be read, or is not what was written.
  [[nodiscard]] result<std::vector<std::byte>> take();
  [[nodiscard]] std::size_t unread_bytes() const noexcept { return written_ - read_; }

 private:
  transaction_file(int descriptor, std::filesystem::path folder)
      : descriptor_(descriptor), folder_(std::move(folder)) {}
  [[nodiscard]] result<> read_at(std::size_t offset, std::byte* to, std::size_t bytes) const;

  int descriptor_;
  std::filesystem::path folder_;
  std::size_t written_ = 0;
  std::size_t read_ = 0;
};

}  // namespace sluice::capture
