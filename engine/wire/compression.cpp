#include "engine/wire/compression.hpp"

#include <algorithm>
#include <cstring>

#include <snappy-sinksource.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

namespace sluice::wire {

namespace {

/// Fast on purpose: the network between the clusters is what compression is for, and both servers need the cores.
constexpr int zstd_level = 1;

error damaged(compressor how, std::string_view what) {
  return failure(error_kind::protocol, std::string(to_string(how)) + "-compressed message " + std::string(what));
}

std::size_t total_bytes(std::span<const bson::bytes_view> parts) {
  std::size_t total = 0;
  for (const auto& part : parts) total += part.size();
  return total;
}

/// The parts as one stream, for snappy.
class parts_source final : public snappy::Source {
 public:
  explicit parts_source(std::span<const bson::bytes_view> parts) : parts_(parts), left_(total_bytes(parts)) {
    settle();
  }
  [[nodiscard]] std::size_t Available() const override { return left_; }
  const char* Peek(std::size_t* length) override {
    if (parts_.empty()) {
      *length = 0;
      return nullptr;
    }
    *length = parts_[0].size() - at_;
    return reinterpret_cast<const char*>(parts_[0].data()) + at_;
  }
  void Skip(std::size_t bytes) override {
    at_ += bytes;
    left_ -= bytes;
    settle();
  }

 private:
  void settle() {
    while (!parts_.empty() && at_ == parts_[0].size()) {
      parts_ = parts_.subspan(1);
      at_ = 0;
    }
  }
  std::span<const bson::bytes_view> parts_;
  std::size_t at_ = 0;
  std::size_t left_ = 0;
};

}  // namespace

std::string_view to_string(compressor c) noexcept {
  switch (c) {
    case compressor::none:
      return "noop";
    case compressor::snappy:
      return "snappy";
    case compressor::zlib:
      return "zlib";
    case compressor::zstd:
      return "zstd";
  }
  return "unknown";
}

result<> decompress(compressor how, bson::bytes_view packed, std::span<std::byte> out) {
  switch (how) {
    case compressor::none: {
      if (packed.size() != out.size()) return damaged(how, "has another size than it announced");
      std::ranges::copy(packed, out.begin());
      return ok();
    }
    case compressor::snappy: {
      const auto* from = reinterpret_cast<const char*>(packed.data());
      std::size_t announced = 0;
      if (!snappy::GetUncompressedLength(from, packed.size(), &announced)) return damaged(how, "is damaged");
      if (announced != out.size()) return damaged(how, "has another size than it announced");
      if (!snappy::RawUncompress(from, packed.size(), reinterpret_cast<char*>(out.data()))) {
        return damaged(how, "is damaged");
      }
      return ok();
    }
    case compressor::zlib: {
      auto size = static_cast<uLongf>(out.size());
      auto used = static_cast<uLong>(packed.size());
      const int done = ::uncompress2(reinterpret_cast<Bytef*>(out.data()), &size,
                                     reinterpret_cast<const Bytef*>(packed.data()), &used);
      if (done == Z_BUF_ERROR || (done == Z_OK && size != out.size())) {
        return damaged(how, "has another size than it announced");
      }
      if (done != Z_OK || used != packed.size()) return damaged(how, "is damaged");
      return ok();
    }
    case compressor::zstd: {
      const std::size_t size = ::ZSTD_decompress(out.data(), out.size(), packed.data(), packed.size());
      if (::ZSTD_isError(size) != 0) return damaged(how, "is damaged");
      if (size != out.size()) return damaged(how, "has another size than it announced");
      return ok();
    }
  }
  return failure(error_kind::protocol, "message compressed with an unknown method");
}

struct compression::state {
  std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> zstd{nullptr, &::ZSTD_freeCCtx};

  result<> snappy_pack(std::span<const bson::bytes_view> parts, std::vector<std::byte>& out) {
    const std::size_t before = out.size();
    out.resize(before + snappy::MaxCompressedLength(total_bytes(parts)));
    parts_source from(parts);
    snappy::UncheckedByteArraySink to(reinterpret_cast<char*>(out.data() + before));
    out.resize(before + snappy::Compress(&from, &to));
    return ok();
  }

  result<> zlib_pack(int level, std::span<const bson::bytes_view> parts, std::vector<std::byte>& out) {
    z_stream stream{};
    if (::deflateInit(&stream, level) != Z_OK) return damaged(compressor::zlib, "cannot be made: no memory");
    const std::size_t before = out.size();
    const std::size_t bound = ::deflateBound(&stream, static_cast<uLong>(total_bytes(parts)));
    out.resize(before + bound);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream.avail_out = static_cast<uInt>(bound);
    int done = Z_OK;
    for (const auto& part : parts) {
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(part.data()));  // zlib does not write there
      stream.avail_in = static_cast<uInt>(part.size());
      done = ::deflate(&stream, Z_NO_FLUSH);
    }
    done = ::deflate(&stream, Z_FINISH);
    out.resize(before + stream.total_out);
    ::deflateEnd(&stream);
    if (done != Z_STREAM_END) return damaged(compressor::zlib, "cannot be made");
    return ok();
  }

  result<> zstd_pack(std::span<const bson::bytes_view> parts, std::vector<std::byte>& out) {
    if (!zstd) {
      zstd.reset(::ZSTD_createCCtx());
      if (!zstd) return damaged(compressor::zstd, "cannot be made: no memory");
      ::ZSTD_CCtx_setParameter(zstd.get(), ZSTD_c_compressionLevel, zstd_level);
    }
    ::ZSTD_CCtx_reset(zstd.get(), ZSTD_reset_session_only);
    const std::size_t size = total_bytes(parts);
    // With the size in the frame the receiver allocates once.
    ::ZSTD_CCtx_setPledgedSrcSize(zstd.get(), size);
    const std::size_t before = out.size();
    out.resize(before + ::ZSTD_compressBound(size));
    ZSTD_outBuffer to{out.data() + before, out.size() - before, 0};
    for (std::size_t i = 0; i < parts.size(); ++i) {
      ZSTD_inBuffer from{parts[i].data(), parts[i].size(), 0};
      const auto mode = i + 1 == parts.size() ? ZSTD_e_end : ZSTD_e_continue;
      std::size_t left = 0;
      do {
        left = ::ZSTD_compressStream2(zstd.get(), &to, &from, mode);
        if (::ZSTD_isError(left) != 0) return damaged(compressor::zstd, "cannot be made");
      } while (mode == ZSTD_e_end ? left != 0 : from.pos < from.size);
    }
    out.resize(before + to.pos);
    return ok();
  }
};

compression::compression() : state_(std::make_unique<state>()) {}
compression::~compression() = default;
compression::compression(compression&&) noexcept = default;
compression& compression::operator=(compression&&) noexcept = default;

result<> compression::compress(compressor how, int zlib_level, std::span<const bson::bytes_view> parts,
                               std::vector<std::byte>& out) {
  switch (how) {
    case compressor::none:
      for (const auto& part : parts) out.insert(out.end(), part.begin(), part.end());
      return ok();
    case compressor::snappy:
      return state_->snappy_pack(parts, out);
    case compressor::zlib:
      return state_->zlib_pack(zlib_level, parts, out);
    case compressor::zstd:
      return state_->zstd_pack(parts, out);
  }
  return failure(error_kind::protocol, "unknown compression method");
}

}  // namespace sluice::wire
