// Updates by rebuilding the document: small documents only.
#include "tests/loopback/update.hpp"

#include <functional>
#include <string>

#include "bson/compare.hpp"
#include "tests/loopback/expression.hpp"
#include "tests/loopback/match.hpp"

namespace sluice::loopback {
namespace {

/// Appends the new value under `key`, given the old element or a false one; or nothing, and the field is gone.
using value_maker = std::function<void(bson::builder&, std::string_view key, bson::element_view old)>;

bson::document with_path(bson::document_view document, std::string_view path, const value_maker& make) {
  const std::size_t dot = path.find('.');
  const std::string_view key = path.substr(0, dot);
  const auto put = [&](bson::builder& into, bson::element_view old) {
    if (dot == std::string_view::npos) {
      make(into, key, old);
      return;
    }
    if (old && old.type() != bson::type::document) throw unsupported("a path through a value that is no document");
    into.append(key, with_path(old.as_document().value_or(bson::document_view()), path.substr(dot + 1), make));
  };
  bson::builder rebuilt;
  bool found = false;
  for (const auto field : document) {
    if (field.key() != key) {
      rebuilt.append(field);
      continue;
    }
    found = true;
    put(rebuilt, field);
  }
  if (!found) put(rebuilt, {});
  return rebuilt.finish();
}

value_maker maker_of(std::string_view name, bson::element_view argument) {
  if (name == "$set" || name == "$setOnInsert") {
    return [argument](bson::builder& into, std::string_view key, bson::element_view) { into.append(key, argument); };
  }
  if (name == "$unset") return [](bson::builder&, std::string_view, bson::element_view) {};
  if (name == "$inc") {
    return [argument](bson::builder& into, std::string_view key, bson::element_view old) {
      const std::int64_t sum = old.to_int64().value_or(0) + argument.to_int64().value_or(0);
      const bool small = argument.as_int32() && (!old || old.as_int32()) && sum == static_cast<std::int32_t>(sum);
      if (small) {
        into.append(key, static_cast<std::int32_t>(sum));
      } else {
        into.append(key, sum);
      }
    };
  }
  if (name == "$min" || name == "$max") {
    return [name, argument](bson::builder& into, std::string_view key, bson::element_view old) {
      const bool replace =
          !old || (name == "$min" ? bson::compare_values(argument, old) < 0 : bson::compare_values(argument, old) > 0);
      into.append(key, replace ? argument : old);
    };
  }
  throw unsupported("unknown modifier: " + std::string(name));
}

bson::document modified(bson::document_view document, bson::document_view update, bool is_insert) {
  if (update.empty() || !(*update.begin()).key().starts_with('$')) {
    bson::builder replaced;
    const auto own_id = document.find("_id");
    if (own_id) replaced.append(own_id);
    for (const auto field : update) {
      if (!own_id || field.key() != "_id") replaced.append(field);
    }
    return replaced.finish();
  }
  bson::document changed(document);
  for (const auto modifier : update) {
    const auto fields = modifier.as_document();
    if (!fields) throw unsupported(std::string(modifier.key()) + " wants a document");
    for (const auto field : *fields) {
      const auto make = maker_of(modifier.key(), field);
      if (modifier.key() == "$setOnInsert" && !is_insert) continue;
      if (modifier.key() == "$unset" && !value_at(changed, field.key())) continue;
      changed = with_path(changed, field.key(), make);
    }
  }
  return changed;
}

/// The paths that a $set stage gives values to: a plain document stands for the paths inside it.
void set_paths(bson::document& into, const std::string& prefix, bson::document_view fields, bson::document_view input) {
  for (const auto field : fields) {
    const std::string path = prefix + std::string(field.key());
    const auto inner = field.as_document();
    if (inner && !inner->empty() && !is_operators(field)) {
      set_paths(into, path + ".", *inner, input);
      continue;
    }
    const bson::document value = evaluate(field, input);
    if (value.view().empty()) continue;
    into = with_path(into, path, [&](bson::builder& to, std::string_view key, bson::element_view) {
      to.append(key, *value.view().begin());
    });
  }
}

void unset(bson::document& from, bson::element_view path) {
  const auto text = path.as_string();
  if (!text) throw unsupported("$unset wants paths");
  if (value_at(from, *text)) from = with_path(from, *text, [](bson::builder&, std::string_view, bson::element_view) {});
}

bson::document through_pipeline(bson::document_view document, bson::document_view stages) {
  bson::document changed(document);
  for (const auto element : stages) {
    const auto stage = element.as_document();
    if (!stage || stage->empty()) throw unsupported("a stage that is no document");
    const auto argument = *stage->begin();
    const auto fields = argument.as_document();
    if ((argument.key() == "$set" || argument.key() == "$addFields") && fields) {
      const bson::document input = changed;
      set_paths(changed, "", *fields, input);
    } else if (argument.key() == "$unset") {
      const auto several = argument.as_array();
      if (!several) {
        unset(changed, argument);
        continue;
      }
      for (const auto path : *several) unset(changed, path);
    } else if (argument.key() == "$replaceWith") {
      const bson::document value = evaluate(argument, changed);
      const auto replaced = value.view().empty() ? std::nullopt : (*value.view().begin()).as_document();
      if (!replaced) throw unsupported("$replaceWith wants a document");
      changed = modified(changed, *replaced, false);
    } else {
      throw unsupported("unknown stage of an update: " + std::string(argument.key()));
    }
  }
  return changed;
}

}  // namespace

bson::document updated(bson::document_view document, bson::element_view update, bool is_insert) {
  if (const auto stages = update.as_array()) return through_pipeline(document, *stages);
  const auto fields = update.as_document();
  if (!fields) throw unsupported("an update that is neither a document nor a pipeline");
  return modified(document, *fields, is_insert);
}

bson::document upsert_base(bson::document_view filter) {
  bson::builder base;
  for (const auto condition : filter) {
    const bool is_plain = condition.key().find_first_of(".$") == std::string_view::npos;
    if (is_plain && !is_operators(condition)) base.append(condition);
  }
  return base.finish();
}

}  // namespace sluice::loopback
