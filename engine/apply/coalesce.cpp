// Head, then stretches of modifications: diffs become one modifier or pipelines, `$v: 1` modifiers are merged while
// that provably changes nothing.
#include "engine/apply/coalesce.hpp"

#include "engine/apply/coalesce_build.hpp"

namespace sluice::apply {

namespace {

[[nodiscard]] document_write update_of(bson::element_view id, std::uint32_t changes) noexcept {
  document_write write;
  write.kind = write_kind::update;
  write.id = id;
  write.changes = changes;
  return write;
}

void append_modifier(bson::element_view id, std::uint32_t changes, bson::document_view modifier,
                     std::vector<document_write>& to) {
  if (modifier.empty()) return;
  document_write write = update_of(id, changes);
  write.document = modifier;
  to.push_back(write);
}

}  // namespace

void document_changes::set_head(head now, bson::element_view id, bson::document_view document) noexcept {
  head_ = now;
  id_ = id;
  document_ = document;
  head_changes_ += items_ + 1;
  items_ = 0;
  first_ = last_ = update_item::none;
}

void document_changes::insert(bson::element_view id, bson::document_view document) noexcept {
  if (begins()) present_before_ = false;
  const bool absent = (begins() && !present_before_) || (head_ == head::remove && last_ == update_item::none);
  doubtful_ = !absent;
  set_head(present_before_ ? head::replace : head::insert, id, document);
}

void document_changes::replace(bson::element_view id, bson::document_view document) noexcept {
  if (head_ == head::remove) doubtful_ = true;
  set_head(head_ == head::insert ? head::insert : head::replace, id, document);
}

void document_changes::remove(bson::element_view id) noexcept {
  doubtful_ = head_ == head::remove;
  set_head(head::remove, id, {});
}

void document_changes::modify(bson::element_view id, bson::document_view o, update_form form, update_items& all) {
  if (begins()) id_ = id;
  const auto place = static_cast<std::uint32_t>(all.size());
  all.push_back({.o = o.bytes().data(), .next = update_item::none, .form = form});
  (last_ == update_item::none ? first_ : all[last_].next) = place;
  last_ = place;
  ++items_;
}

void coalescer::append(const document_changes& changes, const update_items& all, arena& in,
                       std::vector<document_write>& to) {
  if (changes.head_ != document_changes::head::none) append_head(changes, to);
  std::uint32_t at = changes.first_;
  while (at != update_item::none) {
    at = all[at].form == update_form::modifier ? append_modifiers(changes.id_, at, all, in, to)
                                               : append_diffs(changes.id_, at, all, in, to);
  }
}

void coalescer::append_head(const document_changes& changes, std::vector<document_write>& to) {
  using head = document_changes::head;
  document_write write;
  write.kind = changes.head_ == head::insert    ? write_kind::insert
               : changes.head_ == head::replace ? write_kind::replace
                                                : write_kind::remove;
  write.id = changes.id_;
  write.document = changes.document_;
  write.changes = changes.head_changes_;
  write.expects_effect = !changes.doubtful_ && (write.kind != write_kind::remove || changes.present_before_);
  to.push_back(write);
}

std::uint32_t coalescer::append_diffs(bson::element_view id, std::uint32_t first, const update_items& all, arena& in,
                                      std::vector<document_write>& to) {
  const update_item& only = all[first];
  if (only.next == update_item::none && only.form == update_form::plain_diff) {
    append_modifier(id, 1, build_modifier(in, fields_of(bson::document_view(only.o), only.form)), to);
    return update_item::none;
  }
  stretch diffs{.first = first, .end = first, .items = 0};
  merge_.begin(field_merge::new_fields::none);
  bool merged = true;
  for (; diffs.end != update_item::none && all[diffs.end].form != update_form::modifier;
       diffs.end = all[diffs.end].next, ++diffs.items) {
    const update_item& item = all[diffs.end];
    merged =
        merged && item.form == update_form::plain_diff && merge_.add(fields_of(bson::document_view(item.o), item.form));
  }
  if (merged) {
    append_modifier(id, diffs.items, merge_.build(in), to);
  } else {
    append_pipelines(id, diffs, all, in, to);
  }
  return diffs.end;
}

void coalescer::append_pipelines(bson::element_view id, stretch diffs, const update_items& all, arena& in,
                                 std::vector<document_write>& to) {
  std::uint32_t at = diffs.first;
  while (at != diffs.end) {
    pipeline_size size;
    std::uint32_t end = at;
    std::uint32_t items = 0;
    for (; end != diffs.end && size.admits(bson::document_view(all[end].o)); end = all[end].next, ++items) {
    }
    pipeline_builder builder(in, size);
    for (; at != end; at = all[at].next) builder.add(bson::document_view(all[at].o));
    if (builder.empty()) continue;
    document_write write = update_of(id, items);
    write.pipeline = builder.finish();
    write.has_pipeline = true;
    to.push_back(write);
  }
}

std::uint32_t coalescer::append_modifiers(bson::element_view id, std::uint32_t first, const update_items& all,
                                          arena& in, std::vector<document_write>& to) {
  const auto fields_at = [&](std::uint32_t at) { return fields_of(bson::document_view(all[at].o), all[at].form); };
  const set_and_unset alone = fields_at(first);
  std::uint32_t end = all[first].next;
  if (order_differs(alone.set)) {
    // One write a field, in the entry's order; the first stands for the change.
    set_and_unset part{.set = {}, .unset = alone.unset};
    std::uint32_t changes = 1;
    for (const bson::element_view field : alone.set) {
      part.set = build_document(in, field);
      append_modifier(id, changes, build_modifier(in, part), to);
      part.unset = {};
      changes = 0;
    }
    return end;
  }
  std::uint32_t items = 1;
  if (end != update_item::none && all[end].form == update_form::modifier) {
    merge_.begin(field_merge::new_fields::maybe);
    if (merge_.add(alone)) {
      while (end != update_item::none && all[end].form == update_form::modifier && merge_.add(fields_at(end))) {
        end = all[end].next;
        ++items;
      }
    }
  }
  append_modifier(id, items, items == 1 ? build_modifier(in, alone) : merge_.build(in), to);
  return end;
}

}  // namespace sluice::apply
