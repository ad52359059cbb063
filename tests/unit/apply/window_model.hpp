// A store of documents in memory that applies oplog entries and write plans one by one, as 6.0.27 does (measured; the
// order of fields included). What the window is judged against.
#pragma once

#include <algorithm>
#include <cctype>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bson/document_view.hpp"
#include "bson/extended_json.hpp"
#include "bson/id_key.hpp"
#include "engine/apply/update_form.hpp"
#include "engine/apply/window.hpp"
#include "engine/capture/change.hpp"

namespace sluice::apply::testing {

/// A value: a document's fields in order, or anything else as text with its type.
struct node {
  bool is_document = false;
  std::string leaf;
  std::vector<std::pair<std::string, node>> fields;

  bool operator==(const node&) const = default;
  [[nodiscard]] auto find(std::string_view key) {
    return std::ranges::find_if(fields, [&](const auto& field) { return field.first == key; });
  }
  [[nodiscard]] bool has(std::string_view key) { return find(key) != fields.end(); }
  void erase(std::string_view key) {
    if (const auto at = find(key); at != fields.end()) fields.erase(at);
  }
  /// In its place, or at the end.
  void put(std::string_view key, node value) {
    if (const auto at = find(key); at != fields.end()) {
      at->second = std::move(value);
    } else {
      fields.emplace_back(std::string(key), std::move(value));
    }
  }
};

[[nodiscard]] inline node node_of(bson::document_view document);
[[nodiscard]] inline node node_of(bson::element_view element) {
  if (const auto inner = element.as_document()) return node_of(*inner);
  node made;
  made.leaf = bson::value_to_json(element, bson::json_mode::canonical);
  return made;
}
[[nodiscard]] inline node node_of(bson::document_view document) {
  node made;
  made.is_document = true;
  for (const bson::element_view field : document) made.fields.emplace_back(field.key(), node_of(field));
  return made;
}
[[nodiscard]] inline std::string to_text(const node& value) {
  if (!value.is_document) return value.leaf;
  std::string text = "{";
  for (const auto& [key, inner] : value.fields) text += key + ": " + to_text(inner) + ", ";
  return text + "}";
}

/// `diff` of a `$v: 2` entry.
inline void apply_diff(node& to, bson::document_view diff) {
  for (const bson::element_view section : diff) {
    const bson::document_view fields = *section.as_document();
    if (section.key() == "d") {
      for (const bson::element_view field : fields) to.erase(field.key());
    } else if (section.key() == "u") {
      for (const bson::element_view field : fields) to.put(field.key(), node_of(field));
    } else if (section.key() == "i") {
      for (const bson::element_view field : fields) to.erase(field.key());  // moves to the end
      for (const bson::element_view field : fields) to.put(field.key(), node_of(field));
    } else if (section.key().starts_with('s')) {
      const auto at = to.find(section.key().substr(1));
      if (at == to.fields.end()) continue;
      if (at->second.is_document) {
        apply_diff(at->second, fields);
      } else {
        at->second = {.is_document = false, .leaf = "null", .fields = {}};
      }
    } else {
      throw std::logic_error("a section that is none: " + bson::to_json(diff));
    }
  }
}

enum class path_order { by_bytes, by_number };  // 4.4; 5.0 and newer

[[nodiscard]] inline std::vector<std::string> parts_of(std::string_view path) {
  std::vector<std::string> parts;
  for (std::size_t dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
    parts.emplace_back(path.substr(0, dot));
    path.remove_prefix(dot + 1);
  }
  parts.emplace_back(path);
  return parts;
}
[[nodiscard]] inline bool path_before(std::string_view a, std::string_view b, path_order order) {
  const auto numeric = [](const std::string& part) {
    return !part.empty() && std::ranges::all_of(part, [](unsigned char c) { return std::isdigit(c) != 0; }) &&
           (part == "0" || part.front() != '0');
  };
  return std::ranges::lexicographical_compare(
      parts_of(a), parts_of(b), [&](const std::string& left, const std::string& right) {
        if (order == path_order::by_number && numeric(left) && numeric(right) && left.size() != right.size()) {
          return left.size() < right.size();
        }
        return left < right;
      });
}

/// False where a path leads through a value that is no document: the server refuses the whole update (code 28).
[[nodiscard]] inline bool set_path(node& to, const std::vector<std::string>& parts, std::size_t at, const node& value) {
  if (!to.is_document) return false;
  if (at + 1 == parts.size()) {
    to.put(parts[at], value);
    return true;
  }
  if (!to.has(parts[at])) to.put(parts[at], {.is_document = true, .leaf = {}, .fields = {}});
  return set_path(to.find(parts[at])->second, parts, at + 1, value);
}
inline void unset_path(node& to, const std::vector<std::string>& parts, std::size_t at) {
  if (!to.is_document || !to.has(parts[at])) return;
  if (at + 1 == parts.size()) {
    to.erase(parts[at]);
  } else {
    unset_path(to.find(parts[at])->second, parts, at + 1);
  }
}
[[nodiscard]] inline bool apply_modifier(node& to, bson::document_view modifier, path_order order) {
  struct step {
    std::string path;
    bool set = false;
    node value;
  };
  std::vector<step> steps;
  for (const bson::element_view part : modifier) {
    if (part.key() == "$v") continue;
    const bson::document_view fields = *part.as_document();
    for (const bson::element_view field : fields) {
      steps.push_back({std::string(field.key()), part.key() == "$set", node_of(field)});
    }
  }
  std::ranges::sort(steps, [&](const step& a, const step& b) { return path_before(a.path, b.path, order); });
  node changed = to;
  for (const step& one : steps) {
    if (!one.set) {
      unset_path(changed, parts_of(one.path), 0);
    } else if (!set_path(changed, parts_of(one.path), 0, one.value)) {
      return false;
    }
  }
  to = std::move(changed);
  return true;
}

/// Paths that lead through a value are skipped, the rest is applied: as 4.4 does with entries, and as a writer should.
inline void apply_modifier_skipping(node& to, bson::document_view modifier, path_order order) {
  if (apply_modifier(to, modifier, order)) return;
  for (const bson::document& part : one_field_each(modifier)) (void)apply_modifier(to, part, order);
}

/// What it is when the order of fields does not count.
[[nodiscard]] inline node sorted(node value) {
  std::ranges::sort(value.fields, {}, [](const auto& field) { return field.first; });
  for (auto& [key, inner] : value.fields) inner = sorted(std::move(inner));
  return value;
}

class store {
 public:
  /// A collation makes strings of either case one key.
  explicit store(bool collated) : collated_(collated) {}

  std::map<std::string, node> documents;
  std::vector<std::string> violations;  // of expects_effect

  [[nodiscard]] std::string key_of(bson::element_view id) const {
    std::string key = bson::id_key(id);
    if (collated_) std::ranges::transform(key, key.begin(), [](unsigned char c) { return std::tolower(c); });
    return key;
  }

  void apply(const capture::change& one) {
    const bool whole = one.kind == capture::change_kind::insert || static_cast<bool>(one.o.find("_id"));
    const std::string key = key_of((whole ? one.o : one.o2).find("_id"));
    if (one.kind == capture::change_kind::remove) {
      documents.erase(key);
    } else if (whole) {
      documents[key] = node_of(one.o);
    } else if (const auto at = documents.find(key); at != documents.end()) {
      if (const auto diff = one.o.find("diff").as_document()) {
        apply_diff(at->second, *diff);
      } else {
        apply_modifier_skipping(at->second, one.o, path_order::by_bytes);
      }
    }
  }

  void apply(const document_write& write) {
    const std::string key = key_of(write.id);
    const auto at = documents.find(key);
    const bool there = at != documents.end();
    if (write.expects_effect && there == (write.kind == write_kind::insert)) {
      violations.push_back(bson::value_to_json(write.id));
    }
    switch (write.kind) {
      case write_kind::insert:
      case write_kind::replace:
        documents[key] = node_of(write.document);
        break;
      case write_kind::remove:
        if (there) documents.erase(at);
        break;
      case write_kind::update:
        if (!there) break;
        if (!write.has_pipeline) {
          if (write.document.find("$v")) throw std::logic_error("a client may not send $v");
          apply_modifier_skipping(at->second, write.document, path_order::by_number);
          break;
        }
        for (const bson::element_view stage : write.pipeline) {
          apply_diff(at->second,
                     *stage.as_document()->at("$_internalApplyOplogUpdate", "oplogUpdate", "diff").as_document());
        }
        break;
    }
  }

  /// Unordered runs in any order, as over several connections; no document may be twice in one.
  void apply(const write_plan& plan, std::mt19937_64& random) {
    for (const auto& runs : plan.collections) {
      for (const write_run& run : runs) {
        std::vector<document_write> writes = run.writes;
        if (!run.ordered) {
          std::set<std::string> seen;
          for (const document_write& write : writes) {
            if (!seen.insert(key_of(write.id)).second) throw std::logic_error("a document twice in an unordered run");
          }
          std::ranges::shuffle(writes, random);
        }
        for (const document_write& write : writes) apply(write);
      }
    }
  }

 private:
  bool collated_;
};

}  // namespace sluice::apply::testing
