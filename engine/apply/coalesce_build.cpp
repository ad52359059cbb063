// Sizes and bytes of the stages that apply a diff.
#include "engine/apply/coalesce_build.hpp"

#include <cassert>
#include <charconv>
#include <cstring>
#include <string_view>

#include "bson/bytes.hpp"

namespace sluice::apply {

namespace {

constexpr std::string_view stage_name = "$_internalApplyOplogUpdate";
constexpr std::string_view argument_name = "oplogUpdate";

[[nodiscard]] constexpr std::size_t field_bytes(std::string_view key) noexcept {
  return 1 + key.size() + 1;
}
/// Around the entry's `o`: two documents with one field each.
constexpr std::size_t stage_overhead_bytes = 2 * 5 + field_bytes(stage_name) + field_bytes(argument_name);

[[nodiscard]] constexpr std::size_t digits_of(std::uint32_t index) noexcept {
  return index < 10 ? 1 : index < 100 ? 2 : index < 1000 ? 3 : 10;
}

[[nodiscard]] bool has_stage(bson::document_view o) noexcept {
  const auto diff = o.find("diff").as_document();
  return !diff || !diff->empty();
}

[[nodiscard]] std::byte* put_key(std::byte* at, std::string_view key) noexcept {
  *at++ = static_cast<std::byte>(bson::type::document);
  std::memcpy(at, key.data(), key.size());
  at += key.size();
  *at++ = std::byte{0};
  return at;
}

[[nodiscard]] std::byte* put_length(std::byte* at, std::size_t bytes) noexcept {
  bson::store(at, static_cast<std::uint32_t>(bytes));
  return at + 4;
}

}  // namespace

bson::document_view build_document(arena& in, bson::element_view field) {
  const std::size_t bytes = 5 + field.whole().size();
  std::byte* const begin = in.take(bytes);
  std::byte* const at = put_length(begin, bytes);
  std::memcpy(at, field.whole().data(), field.whole().size());
  begin[bytes - 1] = std::byte{0};
  return bson::document_view(begin);
}

bool pipeline_size::admits(bson::document_view o) noexcept {
  if (!has_stage(o)) return true;
  const std::size_t stage = 1 + digits_of(stages_) + 1 + stage_overhead_bytes + o.size_bytes();
  if (stages_ == stages_max || (stages_ != 0 && bytes_ + stage > bytes_max)) return false;
  ++stages_;
  bytes_ += stage;
  return true;
}

pipeline_builder::pipeline_builder(arena& in, const pipeline_size& size) : begin_(in.take(size.bytes())) {
  at_ = put_length(begin_, size.bytes());
}

void pipeline_builder::add(bson::document_view o) noexcept {
  if (!has_stage(o)) return;
  char index[10];
  const auto end = std::to_chars(index, index + sizeof index, stages_++);
  at_ = put_key(at_, {index, static_cast<std::size_t>(end.ptr - index)});
  at_ = put_length(at_, stage_overhead_bytes + o.size_bytes());
  at_ = put_key(at_, stage_name);
  at_ = put_length(at_, 5 + field_bytes(argument_name) + o.size_bytes());
  at_ = put_key(at_, argument_name);
  std::memcpy(at_, o.bytes().data(), o.size_bytes());
  at_ += o.size_bytes();
  *at_++ = std::byte{0};
  *at_++ = std::byte{0};
}

bson::document_view pipeline_builder::finish() noexcept {
  *at_++ = std::byte{0};
  assert(static_cast<std::size_t>(at_ - begin_) == bson::document_view(begin_).size_bytes());
  return bson::document_view(begin_);
}

}  // namespace sluice::apply
