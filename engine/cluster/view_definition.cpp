#include "engine/cluster/view_definition.hpp"

#include <optional>
#include <string>
#include <utility>

namespace sluice::cluster {

namespace {

class rewriting {
 public:
  rewriting(const namespace_map& map, const namespace_name& view)
      : map_(map), view_(view), database_(map.destination_of(view).database) {}

  /// An array of stages as an array's bytes.
  result<bson::document> pipeline(bson::document_view stages) {
    bson::builder out;
    for (const auto stage : stages) {
      const auto fields = stage.as_document();
      if (!fields) {
        out.append(stage);
        continue;
      }
      SLUICE_TRY(const auto rewritten, one_stage(*fields));
      out.append(stage.key(), rewritten);
    }
    return out.finish();
  }

  result<std::string> name(std::string_view collection) {
    const namespace_name there = map_.destination_of({view_.database, std::string(collection)});
    if (there.database == database_) return there.collection;
    return failure(error_kind::refused, "the view " + view_.to_string() + " would be in " + database_ + ", and " +
                                            std::string(collection) + ", of which it is made, in " + there.database +
                                            ": remap both into one database, or exclude the view");
  }

 private:
  result<bson::document> one_stage(bson::document_view stage) {
    bson::builder out;
    for (const auto field : stage) {
      const auto key = field.key();
      const auto body = field.as_document();
      if (key == "$unionWith" && field.as_string()) {
        SLUICE_TRY(const auto other, name(*field.as_string()));
        out.append(key, other);
      } else if ((key == "$lookup" || key == "$graphLookup" || key == "$unionWith") && body) {
        SLUICE_TRY(const auto joined, join(*body));
        out.append(key, joined);
      } else if (key == "$facet" && body) {
        SLUICE_TRY(const auto facets, each_pipeline(*body));
        out.append(key, facets);
      } else {
        out.append(field);
      }
    }
    return out.finish();
  }

  result<bson::document> join(bson::document_view body) {
    bson::builder out;
    for (const auto field : body) {
      const auto key = field.key();
      if ((key == "from" || key == "coll") && field.as_string()) {
        SLUICE_TRY(const auto other, name(*field.as_string()));
        out.append(key, other);
      } else if (key == "pipeline" && field.as_array()) {
        SLUICE_TRY(const auto inner, pipeline(*field.as_array()));
        out.append_array(key, inner);
      } else {
        out.append(field);
      }
    }
    return out.finish();
  }

  result<bson::document> each_pipeline(bson::document_view facets) {
    bson::builder out;
    for (const auto facet : facets) {
      const auto stages = facet.as_array();
      if (!stages) {
        out.append(facet);
        continue;
      }
      SLUICE_TRY(const auto inner, pipeline(*stages));
      out.append_array(facet.key(), inner);
    }
    return out.finish();
  }

  const namespace_map& map_;
  const namespace_name& view_;
  std::string database_;
};

}  // namespace

result<bson::document> view_on_destination(const namespace_map& map, const namespace_name& view,
                                           bson::document_view options) {
  if (map.is_identity()) return bson::document(options);
  rewriting rewrite(map, view);
  bson::builder out;
  for (const auto field : options) {
    if (field.key() == "viewOn" && field.as_string()) {
      SLUICE_TRY(const auto on, rewrite.name(*field.as_string()));
      out.append("viewOn", on);
    } else if (field.key() == "pipeline" && field.as_array()) {
      SLUICE_TRY(const auto stages, rewrite.pipeline(*field.as_array()));
      out.append_array("pipeline", stages);
    } else {
      out.append(field);
    }
  }
  return out.finish();
}

}  // namespace sluice::cluster
