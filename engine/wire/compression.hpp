// The wire's compressors behind one face. Bounds-checked in both directions; nothing here knows messages.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "bson/document_view.hpp"
#include "engine/runtime/result.hpp"
#include "engine/wire/connection_string.hpp"

namespace sluice::wire {

/// "snappy", "zlib", "zstd" as URIs and `hello` write them; "noop" for none.
[[nodiscard]] std::string_view to_string(compressor c) noexcept;

/// Unpacks `packed` into all of `out`, whose size was announced beside the bytes. Error (protocol): the bytes are
/// damaged or do not unpack to exactly that size.
[[nodiscard]] result<> decompress(compressor how, bson::bytes_view packed, std::span<std::byte> out);

/// Packs. Holds the compressor's state, so that it is allocated once a connection.
class compression {
 public:
  compression();
  ~compression();
  compression(compression&&) noexcept;
  compression& operator=(compression&&) noexcept;

  /// Appends the packed form of the concatenated `parts` to `out`. `zlib_level`: -1 (default) to 9.
  [[nodiscard]] result<> compress(compressor how, int zlib_level, std::span<const bson::bytes_view> parts,
                                  std::vector<std::byte>& out);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace sluice::wire
