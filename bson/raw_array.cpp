#include "bson/raw_array.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "bson/validate.hpp"

namespace sluice::bson {

namespace {

std::size_t length_at(const std::byte* at) noexcept {
  std::uint32_t length = 0;
  std::memcpy(&length, at, sizeof length);
  return length;
}

void set_length(std::byte* at, std::size_t bytes) noexcept {
  const auto length = static_cast<std::uint32_t>(bytes);
  std::memcpy(at, &length, sizeof length);
}

}  // namespace

std::optional<bytes_view> raw_array_walk::next() noexcept {
  if (fault_) return std::nullopt;
  const std::size_t end = array_.size() - 1;  // the array's terminating zero
  if (at_ == end) return std::nullopt;
  fault_ = true;
  if (at_ > end || array_[at_] != std::byte{static_cast<std::uint8_t>(type::document)}) return std::nullopt;
  const std::byte* key = array_.data() + at_ + 1;
  const void* zero = std::memchr(key, 0, end - at_ - 1);
  if (zero == nullptr) return std::nullopt;
  const auto begin = static_cast<std::size_t>(static_cast<const std::byte*>(zero) + 1 - array_.data());
  if (end - begin < 5 || begin > end) return std::nullopt;
  const std::size_t length = length_at(array_.data() + begin);
  if (length < 5 || length > end - begin || array_[begin + length - 1] != std::byte{0}) return std::nullopt;
  fault_ = false;
  at_ = begin + length;
  ++count_;
  return array_.subspan(begin, length);
}

std::size_t array_overhead_bytes(std::size_t documents) noexcept {
  std::size_t bytes = 5;
  // Keys with one digit, with two, ...: each element has a type byte and a zero besides.
  std::size_t first = 0;
  for (std::size_t end = 10, digits = 1; first < documents; first = end, end *= 10, ++digits) {
    bytes += (std::min(documents, end) - first) * (digits + 2);
  }
  return bytes;
}

std::span<std::byte> cut_at(std::span<std::byte> array, std::size_t offset) noexcept {
  array[offset] = std::byte{0};
  set_length(array.data(), offset + 1);
  return array.first(offset + 1);
}

std::optional<std::vector<std::byte>> slice(bytes_view array, std::size_t first, std::size_t last) {
  std::vector<std::byte> out(4);
  raw_array_walk walk(array);
  while (walk.count() < last) {
    const auto document = walk.next();
    if (!document) break;
    const std::size_t index = walk.count() - 1;
    if (index < first) continue;
    char key[24];
    const auto written = std::to_chars(key, key + sizeof key, index - first);
    out.push_back(std::byte{static_cast<std::uint8_t>(type::document)});
    const auto* text = reinterpret_cast<const std::byte*>(key);
    out.insert(out.end(), text, text + (written.ptr - key));
    out.push_back(std::byte{0});
    out.insert(out.end(), document->begin(), document->end());
  }
  if (walk.fault()) return std::nullopt;
  out.push_back(std::byte{0});
  set_length(out.data(), out.size());
  return out;
}

std::optional<bytes_view> document_at(bytes_view array, std::size_t n) noexcept {
  raw_array_walk walk(array);
  while (auto document = walk.next()) {
    if (walk.count() == n + 1) return document;
  }
  return std::nullopt;
}

element_view find_id(bytes_view document) noexcept {
  // Servers put `_id` first when they insert; anything else is looked for only in a document that proves sound.
  if (validate(document, {.check_utf8 = false})) return {};
  return document_view(document.data()).find("_id");
}

}  // namespace sluice::bson
