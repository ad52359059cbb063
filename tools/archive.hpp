// Files in memory as one .tar.gz (ustar, what every tar unpacks). Writes to no disk.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "engine/runtime/result.hpp"

namespace sluice::tools {

class archive {
 public:
  explicit archive(std::time_t made) : made_(made) {}
  /// `name` is at most 100 bytes long. For the owner's eyes only (mode 0600).
  void add(std::string_view name, std::string_view content);
  /// What is in it so far, compressed. Error (storage): zlib's.
  [[nodiscard]] result<std::string> compressed() const;

 private:
  std::time_t made_;
  std::string tar_;
};

}  // namespace sluice::tools
