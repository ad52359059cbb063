#include "engine/apply/refusal.hpp"

#include <algorithm>

#include "bson/extended_json.hpp"

namespace sluice::apply {

namespace {

constexpr std::int32_t path_not_viable = 28;
constexpr std::int32_t unknown_stage = 40324;
constexpr std::int32_t name_twice = 7693400;  // a diff goes into a field that is there twice (6.0.27)

}  // namespace

error refusal(const write_piece& piece, const document_write& write, const refused_statement& refused) {
  std::string message = piece.to->ns.to_string() + ": the destination refused the change of the document with _id " +
                        bson::value_to_json(write.id) + ": " + refused.message + " (code " +
                        std::to_string(refused.code) + ")";
  if (refused.code == unknown_stage) {
    message += "; the source's exact changes need a destination of 6.0 or newer that takes $_internalApplyOplogUpdate";
  }
  if (refused.code == name_twice) {
    message +=
        "; a document that has a name twice is copied, but not every change of it can be followed: repair it on "
        "the source and begin anew, or leave its collection out";
  }
  return {error_kind::server, std::move(message), refused.code, {}};
}

std::size_t expecting(const write_piece& piece) {
  return static_cast<std::size_t>(
      std::ranges::count_if(piece.writes, [](const document_write& one) { return one.expects_effect; }));
}

std::string some_of(std::size_t some, std::size_t all, std::string_view what) {
  return std::to_string(some) + " of " + std::to_string(all) + " " + std::string(what);
}

bool is_stopped_by_a_path(const refused_statement& refused, const document_write& write) noexcept {
  return refused.code == path_not_viable && !write.has_pipeline;
}

}  // namespace sluice::apply
