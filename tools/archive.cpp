#include "tools/archive.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <zlib.h>

namespace sluice::tools {
namespace {

constexpr std::size_t block_bytes = 512;
constexpr int gzip_window_bits = 15 + 16;  // the largest window, in gzip's frame

/// POSIX.1-1988; numbers are octal text.
struct ustar_header {
  std::array<char, 100> name{};
  std::array<char, 8> mode{};
  std::array<char, 8> uid{};
  std::array<char, 8> gid{};
  std::array<char, 12> size{};
  std::array<char, 12> modified{};
  std::array<char, 8> checksum{};
  char type = '0';
  std::array<char, 100> link{};
  std::array<char, 6> magic{'u', 's', 't', 'a', 'r', '\0'};
  std::array<char, 2> version{'0', '0'};
  std::array<char, 32> user{};
  std::array<char, 32> group{};
  std::array<char, 8> device_major{};
  std::array<char, 8> device_minor{};
  std::array<char, 155> prefix{};
  std::array<char, 12> padding{};
};
static_assert(sizeof(ustar_header) == block_bytes);

template <std::size_t width>
void put_octal(std::array<char, width>& field, std::uint64_t number) {
  for (std::size_t at = width - 1; at-- > 0; number /= 8) field[at] = static_cast<char>('0' + number % 8);
}

}  // namespace

void archive::add(std::string_view name, std::string_view content) {
  ustar_header header;
  std::ranges::copy(name.substr(0, header.name.size()), header.name.begin());
  put_octal(header.mode, 0600);
  put_octal(header.uid, 0);
  put_octal(header.gid, 0);
  put_octal(header.size, content.size());
  put_octal(header.modified, static_cast<std::uint64_t>(made_));
  header.checksum.fill(' ');  // as which it counts itself
  std::array<unsigned char, block_bytes> bytes{};
  std::memcpy(bytes.data(), &header, block_bytes);
  unsigned sum = 0;
  for (const unsigned char byte : bytes) sum += byte;
  put_octal(header.checksum, sum);
  std::memcpy(bytes.data(), &header, block_bytes);
  tar_.append(bytes.begin(), bytes.end()).append(content);
  tar_.append((block_bytes - content.size() % block_bytes) % block_bytes, '\0');
}

result<std::string> archive::compressed() const {
  std::string whole = tar_ + std::string(2 * block_bytes, '\0');  // its end; zlib wants it mutable
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window_bits, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    return failure(error_kind::storage, "zlib does not start");
  }
  std::string out(deflateBound(&stream, whole.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(whole.data());
  stream.avail_in = static_cast<uInt>(whole.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int ended = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (ended != Z_STREAM_END) return failure(error_kind::storage, "zlib does not compress the bundle");
  return out;
}

}  // namespace sluice::tools
