// What several changes of one document come to: the fewest writes with the same effect, also on a document that is
// newer than the changes (a replay). Plain functions of their input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "bson/document_view.hpp"
#include "engine/apply/arena.hpp"
#include "engine/apply/update_form.hpp"
#include "engine/apply/window.hpp"

namespace sluice::apply {

/// Modifications of all documents of a window, chained per document.
struct update_item {
  static constexpr std::uint32_t none = 0xFFFFFFFF;
  const std::byte* o = nullptr;
  std::uint32_t next = none;
  update_form form = update_form::diff;
};
using update_items = std::vector<update_item>;

/// The changes of one document so far: at most one that makes the document whatever it was before (the head), then
/// modifications in their order. The source's oplog is a history that happened, so an insert follows a remove or
/// nothing; what contradicts that is written all the same, without a claim about its effect.
class document_changes {
 public:
  void insert(bson::element_view id, bson::document_view document) noexcept;
  void replace(bson::element_view id, bson::document_view document) noexcept;
  void remove(bson::element_view id) noexcept;
  void modify(bson::element_view id, bson::document_view o, update_form form, update_items& all);

 private:
  friend class coalescer;
  enum class head : std::uint8_t { none, insert, replace, remove };
  [[nodiscard]] bool begins() const noexcept { return head_ == head::none && last_ == update_item::none; }
  void set_head(head now, bson::element_view id, bson::document_view document) noexcept;

  bson::element_view id_;
  bson::document_view document_;
  std::uint32_t first_ = update_item::none;
  std::uint32_t last_ = update_item::none;
  std::uint32_t head_changes_ = 0;
  std::uint32_t items_ = 0;
  head head_ = head::none;
  bool present_before_ = true;  // the document was there before the first change
  bool doubtful_ = false;       // the changes contradict each other
};

/// The last value of each of a few fields that several updates set or unset.
class field_merge {
 public:
  enum class new_fields : std::uint8_t {
    none,   // every field is there already (`u` of a diff): their order is settled
    maybe,  // they may be new (`$v: 1`), and then the order in which they come must be kept
  };
  void begin(new_fields may_be_new) noexcept;
  /// False, and unchanged, where one modifier would not do the same as both.
  [[nodiscard]] bool add(set_and_unset fields);
  /// {$set, $unset}
  [[nodiscard]] bson::document_view build(arena& in) const;

 private:
  struct field {
    bson::element_view element;
    bool unset = false;
  };
  [[nodiscard]] field* find(std::string_view path) noexcept;
  [[nodiscard]] bool apart(std::string_view path) const noexcept;
  [[nodiscard]] bool takes(set_and_unset fields);

  /// Bounds the search for a field; more of them in one document go unmerged.
  static constexpr std::size_t fields_max = 64;
  std::vector<field> fields_;
  std::string_view greatest_;  // of the paths set
  order_guard order_, order_with_;
  new_fields may_be_new_ = new_fields::none;
};

class coalescer {
 public:
  /// Appends the writes of one document, to be executed in this order: first what makes it, then what modifies it.
  void append(const document_changes& changes, const update_items& all, arena& in, std::vector<document_write>& to);

 private:
  struct stretch {  // items of one kind in a row
    std::uint32_t first = update_item::none;
    std::uint32_t end = update_item::none;
    std::uint32_t items = 0;
  };
  void append_head(const document_changes& changes, std::vector<document_write>& to);
  [[nodiscard]] std::uint32_t append_diffs(bson::element_view id, std::uint32_t first, const update_items& all,
                                           arena& in, std::vector<document_write>& to);
  void append_pipelines(bson::element_view id, stretch diffs, const update_items& all, arena& in,
                        std::vector<document_write>& to);
  [[nodiscard]] std::uint32_t append_modifiers(bson::element_view id, std::uint32_t first, const update_items& all,
                                               arena& in, std::vector<document_write>& to);

  field_merge merge_;
};

}  // namespace sluice::apply
