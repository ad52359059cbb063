// The same seed makes the same bytes, every shape keeps its size exactly, and what is impossible is named.
#include "engine/measure/data_set.hpp"

#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "bson/raw_array.hpp"
#include "bson/validate.hpp"
#include "engine/runtime/limits.hpp"

namespace sluice::measure {
namespace {

constexpr std::array all_shapes{shape::flat, shape::nested, shape::wide, shape::array, shape::timeseries, shape::mixed};
constexpr std::array all_ids{id_kind::objectid, id_kind::random, id_kind::integer, id_kind::string};

std::string bytes_of(const bson::document& document) {
  return {reinterpret_cast<const char*>(document.bytes().data()), document.bytes().size()};
}

int depth_of(bson::document_view document) {
  int deepest = 0;
  for (const auto element : document) {
    const auto inner = element.type() == bson::type::document ? element.as_document() : std::nullopt;
    if (inner) deepest = std::max(deepest, depth_of(*inner));
  }
  return deepest + 1;
}

TEST(data_set, every_shape_and_size_is_kept_to_the_byte) {
  for (const shape form : all_shapes) {
    for (const id_kind ids : all_ids) {
      for (const std::int64_t size :
           {document_bytes_min(form), std::int64_t{860}, std::int64_t{4097}, std::int64_t{1'500'000}}) {
        const data_set data({.documents = 100, .document_bytes = size, .form = form, .ids = ids});
        for (std::int64_t i = 0; i < 8; ++i) {
          const bson::document one = data.document(i);
          EXPECT_EQ(static_cast<std::int64_t>(one.bytes().size()), size) << to_string(form) << " " << to_string(ids);
          const auto fault = bson::validate(one.bytes());
          EXPECT_FALSE(fault) << to_string(form) << ": " << (fault ? fault->reason : "");
        }
      }
    }
  }
}

TEST(data_set, the_same_seed_makes_the_same_bytes_and_another_one_others) {
  for (const shape form : all_shapes) {
    const data_set once({.form = form, .seed = 7});
    const data_set again({.form = form, .seed = 7});
    const data_set other({.form = form, .seed = 8});
    EXPECT_EQ(bytes_of(once.batch(100, 50)), bytes_of(again.batch(100, 50)));
    EXPECT_NE(bytes_of(once.batch(100, 50)), bytes_of(other.batch(100, 50)));
  }
}

TEST(data_set, a_document_does_not_depend_on_the_batch_it_comes_in) {
  const data_set data({.form = shape::mixed});
  const bson::document batch = data.batch(10, 20);
  for (std::size_t i = 0; i < 20; ++i) {
    const auto one = bson::document_at(batch.bytes(), i);
    ASSERT_TRUE(one);
    EXPECT_TRUE(std::ranges::equal(*one, data.document(10 + static_cast<std::int64_t>(i)).bytes()));
  }
}

TEST(data_set, ids_are_of_their_kind_and_differ) {
  const std::array types{bson::type::object_id, bson::type::binary, bson::type::int64, bson::type::string};
  for (std::size_t k = 0; k < all_ids.size(); ++k) {
    const data_set data({.ids = all_ids[k]});
    std::set<std::string> seen;
    std::string before;
    bool ascending = true;
    for (std::int64_t i = 0; i < 3000; ++i) {
      const bson::document document = data.document(i);
      const auto id = document.view().find("_id");
      EXPECT_EQ(id.type(), types[k]);
      std::string value(reinterpret_cast<const char*>(id.value().data()), id.value().size());
      ascending = ascending && before < value;
      seen.insert(value);
      before = std::move(value);
    }
    EXPECT_EQ(seen.size(), 3000U) << to_string(all_ids[k]);
    if (all_ids[k] == id_kind::objectid || all_ids[k] == id_kind::string) {
      EXPECT_TRUE(ascending) << to_string(all_ids[k]);
    }
    if (all_ids[k] == id_kind::random) {
      EXPECT_FALSE(ascending);
    }
  }
}

TEST(data_set, shapes_are_what_they_are_called) {
  const auto document = [](shape form) { return data_set({.document_bytes = 4000, .form = form}).document(5); };
  EXPECT_EQ(depth_of(document(shape::flat)), 1);
  EXPECT_EQ(depth_of(document(shape::nested)), 6);
  const bson::document wide = document(shape::wide);
  EXPECT_GT(std::distance(wide.view().begin(), wide.view().end()), 200);
  const auto items = document(shape::array).view().find("items");
  EXPECT_TRUE(items);
  const bson::document array = document(shape::array);
  const auto list = array.view().find("items").as_array();
  ASSERT_TRUE(list);
  EXPECT_GT(std::distance(list->begin(), list->end()), 40);
  EXPECT_EQ(document(shape::timeseries).view().find("at").type(), bson::type::date_time);
  const data_set mixed({.form = shape::mixed});
  EXPECT_EQ(depth_of(mixed.document(1)), 6);
  EXPECT_TRUE(mixed.document(3).view().find("items"));
}

TEST(data_set, a_batch_is_about_as_large_as_a_copys) {
  for (const std::int64_t size :
       {std::int64_t{128}, std::int64_t{860}, std::int64_t{100'000}, std::int64_t{10'000'000}}) {
    const data_set data({.document_bytes = size});
    EXPECT_GE(data.batch_documents(), 1);
    EXPECT_LE(data.batch_documents(), limits::batch_documents_max);
    EXPECT_LE(data.batch_documents() * size,
              std::max<std::int64_t>(size, static_cast<std::int64_t>(limits::batch_bytes_target)));
  }
}

TEST(data_set, indexes_are_of_fields_that_every_shape_has) {
  for (const shape form : all_shapes) {
    const data_set data({.form = form, .indexes = indexes_max});
    const auto command = data.index_command("docs");
    ASSERT_TRUE(command);
    const auto indexes = command->view().find("indexes").as_array();
    std::set<std::string> names;
    const bson::document document = data.document(0);
    for (const auto element : *indexes) {
      const auto index = element.as_document();
      names.insert(std::string(index->find("name").as_string().value()));
      const auto key = index->find("key").as_document();
      for (const auto field : *key) EXPECT_TRUE(document.view().find(field.key())) << field.key();
    }
    EXPECT_EQ(names.size(), static_cast<std::size_t>(indexes_max));
  }
  EXPECT_FALSE(data_set({.indexes = 0}).index_command("docs"));
}

TEST(data_set, what_is_impossible_is_named) {
  const auto message = [](data_set_options options) {
    const auto checked = check(options);
    return checked ? std::string() : checked.error().message;
  };
  EXPECT_EQ(message({}), "");
  EXPECT_NE(message({.documents = 0}).find("documents 0"), std::string::npos);
  EXPECT_NE(message({.documents = -3}).find("documents -3"), std::string::npos);
  EXPECT_NE(message({.document_bytes = 127}).find("shape flat 127: must be between 128"), std::string::npos);
  EXPECT_NE(message({.document_bytes = 200, .form = shape::wide}).find("256"), std::string::npos);
  EXPECT_NE(message({.document_bytes = 17 << 20}).find("must be between"), std::string::npos);
  EXPECT_NE(message({.indexes = 9}).find("indexes 9"), std::string::npos);
  const auto unknown = shape_from("neste");
  ASSERT_TRUE(unknown.has_error());
  EXPECT_NE(unknown.error().message.find("did you mean \"nested\"?"), std::string::npos) << unknown.error().message;
  EXPECT_TRUE(id_kind_from("uuid").has_error());
  EXPECT_EQ(id_kind_from("int").value(), id_kind::integer);
}

}  // namespace
}  // namespace sluice::measure
