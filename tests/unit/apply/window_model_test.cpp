// Random histories of a few documents, cut into random windows: the plans must leave what the entries one by one leave,
// fields in the same order, from every state that a replay may start over.
#include "tests/unit/apply/window_model.hpp"

#include <cstdint>
#include <iostream>
#include <optional>

#include "tests/unit/apply/window_entries.hpp"

namespace sluice::apply {
namespace {

using namespace testing;

enum class source_kind { diffs, modifiers };  // 5.0 and newer, 4.4

/// Makes up a history: keeps the state, so that every entry is one that a server could have written.
class history {
 public:
  history(std::uint64_t seed, source_kind kind, bool collated) : random(seed), kind_(kind), state(collated) {}

  std::mt19937_64 random;

  [[nodiscard]] entry next() {
    bson::builder id;
    append_id(id);
    const bson::document id_document = id.finish();
    const auto at = state.documents.find(state.key_of(id_document.view().find("_id")));
    entry made = at == state.documents.end() ? make_entry(capture::change_kind::insert, document(id_document))
                                             : change_of(at->second, id_document);
    state.apply(made.change);
    return made;
  }

  [[nodiscard]] std::size_t below(std::size_t bound) { return random() % bound; }
  [[nodiscard]] bool chance(std::size_t percent) { return below(100) < percent; }

 private:
  source_kind kind_;
  std::int32_t counter_ = 0;

 public:
  store state;

 private:
  void append_id(bson::builder& to) {
    const auto number = static_cast<std::int32_t>(below(3));
    switch (below(6)) {
      case 0:
        to.append("_id", number);
        break;
      case 1:
        to.append("_id", static_cast<double>(number));
        break;
      case 2:
        to.append("_id", std::int64_t{number});
        break;
      case 3:
        to.append("_id", chance(50) ? "k" : "K");
        break;
      case 4:
        to.append("_id", bson::object_id{});
        break;
      default:
        to.open_document("_id").append("n", number).close();
        break;
    }
  }

  void append_value(bson::builder& to, std::string_view key) {
    if (chance(70)) {
      to.append(key, ++counter_);
      return;
    }
    to.open_document(key);
    for (const char* const inner : {"x", "y", "w"}) {
      if (chance(60)) to.append(inner, ++counter_);
    }
    to.close();
  }

  [[nodiscard]] std::vector<std::string> names() const {
    if (kind_ == source_kind::modifiers) return {"a", "b", "c", "z", "9", "10", "a-"};
    return {"a", "b", "c", "z", "9", "10", "$x", "p.q", ""};
  }

  [[nodiscard]] bson::document document(bson::document_view id) {
    bson::builder made;
    made.append_all(id);
    std::vector<std::string> keys = names();
    std::ranges::shuffle(keys, random);
    for (const std::string& key : keys) {
      if (chance(50)) append_value(made, key);
    }
    return made.finish();
  }

  [[nodiscard]] entry change_of(node& now, bson::document_view id) {
    if (chance(10)) return make_entry(capture::change_kind::remove, id);
    if (chance(8)) return make_entry(capture::change_kind::update, document(id), id);
    const std::optional<bson::document> o = kind_ == source_kind::diffs ? diff_of(now) : modifier_of(now);
    return o ? make_entry(capture::change_kind::update, *o, id) : make_entry(capture::change_kind::remove, id);
  }

  /// Mostly values of fields that are there; often enough everything else.
  [[nodiscard]] std::optional<bson::document> diff_of(node& now) {
    bson::builder d, u, i, all;
    std::vector<std::pair<std::string, bson::document>> inner;
    const bool only_values = chance(60);
    for (auto& [key, value] : now.fields) {
      if (key == "_id") continue;
      if (chance(40)) {
        append_value(u, key);
      } else if (!only_values && chance(15)) {
        d.append(key, false);
      } else if (!only_values && chance(15)) {
        append_value(i, key);
      } else if (!only_values && value.is_document && chance(40)) {
        if (const auto nested = diff_fields(value)) inner.emplace_back("s" + key, *nested);
      }
    }
    for (const std::string& key : names()) {
      if (!only_values && !now.has(key) && chance(20)) append_value(i, key);
    }
    for (const auto& [name, section] : {std::pair{"d", &d}, std::pair{"u", &u}, std::pair{"i", &i}}) {
      const bson::document fields = section->finish();
      if (!fields.view().empty()) all.append(name, fields);
    }
    for (const auto& [name, section] : inner) all.append(name, section);
    const bson::document diff = all.finish();
    if (diff.view().empty()) return {};
    bson::builder o;
    o.append("$v", 2).append("diff", diff);
    return o.finish();
  }

  [[nodiscard]] std::optional<bson::document> diff_fields(node& now) {
    bson::builder u, i, all;
    for (const char* const key : {"x", "y", "w"}) (now.has(key) ? u : i).append(key, ++counter_);
    const bson::document update = u.finish();
    const bson::document insert = i.finish();
    if (!update.view().empty()) all.append("u", update);
    if (!insert.view().empty()) all.append("i", insert);
    return all.finish();
  }

  /// $set and $unset, paths in the order in which 4.4 writes them.
  [[nodiscard]] std::optional<bson::document> modifier_of(node& now) {
    std::vector<std::string> set, unset;
    const bool only_values = chance(50);
    for (const std::string& key : names()) {
      const bool there = now.has(key);
      if (only_values ? !there || !chance(40) : !chance(30)) continue;
      if (!only_values && there && chance(30)) {
        unset.push_back(key);
      } else if (chance(40) && (!there || now.find(key)->second.is_document)) {
        for (const char* const inner : {"x", "y", "10", "9"}) {
          if (chance(40)) (!only_values && chance(20) ? unset : set).push_back(key + "." + inner);
        }
      } else {
        set.push_back(key);
      }
    }
    bson::builder o;
    o.append("$v", 1);
    if (set.empty() && unset.empty()) return {};
    const auto by_bytes = [](const std::string& a, const std::string& b) {
      return path_before(a, b, path_order::by_bytes);
    };
    std::ranges::sort(set, by_bytes);
    if (!set.empty()) {
      o.open_document("$set");
      for (const std::string& path : set) append_value(o, path);
      o.close();
    }
    if (!unset.empty()) {
      o.open_document("$unset");
      for (const std::string& path : unset) o.append(path, true);
      o.close();
    }
    return o.finish();
  }
};

struct outcome_of {
  std::size_t changes = 0;
  std::size_t writes = 0;
};

/// Empty when both hold the same.
std::string difference(const store& source, const store& destination) {
  if (source.documents == destination.documents) return {};
  std::string text;
  for (const auto& [key, value] : source.documents) {
    const auto there = destination.documents.find(key);
    const std::string other = there == destination.documents.end() ? "nothing" : to_text(there->second);
    if (other != to_text(value)) text += "\n  expected " + to_text(value) + "\n  there is " + other;
  }
  return text.empty() ? "documents that should not be there" : text;
}

outcome_of run_history(std::uint64_t seed, source_kind kind, bool collated, bool replayed, std::size_t length) {
  history source(seed, kind, collated);
  for (std::size_t before = source.below(20); before > 0; --before) (void)source.next();
  store destination = source.state;
  const std::size_t newest = replayed ? source.below(length + 1) : 0;  // the destination already holds this much
  std::vector<entry> entries;
  for (std::size_t at = 0; at < length; ++at) {
    entries.push_back(source.next());
    if (at + 1 == newest) destination = source.state;
  }
  const shared_target to = collection("c", false, collated);
  store one_by_one = destination;
  for (const entry& one : entries) one_by_one.apply(one.change);
  window open;
  outcome_of total;
  for (std::size_t at = 0; at < length;) {
    for (std::size_t left = 1 + source.below(1 + source.below(200)); left > 0 && at < length; --left, ++at) {
      EXPECT_TRUE(open.add(entries[at].change, to, entries[at].bytes));
    }
    const write_plan plan = open.finish();
    destination.apply(plan, source.random);
    total.changes += plan.changes;
    total.writes += plan.writes;
  }
  // `$v: 1` does not say whether it adds a field. Over newer documents ({b, c}: c added, after b went and came back)
  // the source's own members end with fields in another order ({c, b}), one entry after the other; so there the plan
  // must end as they do, and otherwise like the source. The stage for `$v: 2` moves what it inserts, for that reason.
  const bool order_is_lost = replayed && kind == source_kind::modifiers;
  EXPECT_EQ(difference(order_is_lost ? one_by_one : source.state, destination), "")
      << "seed " << seed << ", newest " << newest;
  for (store* const each : {&source.state, &destination}) {
    for (auto& [key, document] : each->documents) document = sorted(std::move(document));
  }
  EXPECT_EQ(difference(source.state, destination), "") << "seed " << seed << ", newest " << newest;
  if (!replayed) {
    EXPECT_TRUE(destination.violations.empty()) << "seed " << seed << ": " << destination.violations[0];
  }
  return total;
}

void run_histories(source_kind kind, bool collated, bool replayed) {
  const std::uint64_t first = std::random_device()();
  std::cout << "seed " << first << "\n";
  outcome_of total;
  for (std::uint64_t seed = first; seed < first + 75 && !::testing::Test::HasFailure(); ++seed) {
    const outcome_of one = run_history(seed, kind, collated, replayed, 300);
    total.changes += one.changes;
    total.writes += one.writes;
  }
  std::cout << total.changes << " changes, " << total.writes << " writes\n";
  if (!collated && !::testing::Test::HasFailure()) {
    EXPECT_LT(total.writes, total.changes / 2);  // a window that coalesces nothing proves nothing
  }
}

TEST(window_model, diffs_once) {
  run_histories(source_kind::diffs, false, false);
}
TEST(window_model, diffs_replayed_over_newer_documents) {
  run_histories(source_kind::diffs, false, true);
}
TEST(window_model, diffs_where_case_does_not_distinguish) {
  run_histories(source_kind::diffs, true, false);
}
TEST(window_model, diffs_replayed_where_case_does_not_distinguish) {
  run_histories(source_kind::diffs, true, true);
}
TEST(window_model, modifiers_once) {
  run_histories(source_kind::modifiers, false, false);
}
TEST(window_model, modifiers_replayed_over_newer_documents) {
  run_histories(source_kind::modifiers, false, true);
}

}  // namespace
}  // namespace sluice::apply
