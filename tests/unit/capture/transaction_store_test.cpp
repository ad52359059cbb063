// Transactions in the oplog: held back until they commit, dropped when they abort, wherever their entries lie.
#include "engine/capture/transaction_store.hpp"

#include <filesystem>
#include <map>
#include <random>

#include "tests/unit/capture/oplog_entries.hpp"

namespace sluice::capture {

using namespace testing;

namespace {

/// An empty folder's path that does not exist yet; removed at the end.
class spill_place {
 public:
  spill_place() : path(std::filesystem::temp_directory_path() / ("sluice-transactions-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path);
  }
  ~spill_place() { std::filesystem::remove_all(path); }
  spill_place(const spill_place&) = delete;
  spill_place& operator=(const spill_place&) = delete;
  const std::filesystem::path path;
};

}  // namespace

TEST(transactions, a_small_one_comes_out_where_it_stands) {
  fed_reader reader;
  reader.give({entry(1, in_session(1, 1, 0, apply_ops_of({insert_of(1), insert_of(2, "config.x"), insert_of(3)}))),
               entry(2, insert_of(4))});
  EXPECT_EQ(reader.came_out, (lines{"1 i db.c 1", "1 i db.c 3", "2 i db.c 4"})) << reader.error;
}

TEST(transactions, a_chain_comes_out_with_its_last_entry) {
  fed_reader reader;
  reader.give({entry(1, insert_of(1)), entry(2, in_session(1, 7, 0, apply_ops_of({insert_of(2)}, partial))),
               entry(3, insert_of(3))});
  EXPECT_EQ(reader->position(), at(3));
  EXPECT_EQ(reader->resume_from(), at(2));
  EXPECT_EQ(reader->open().count, 1U);
  reader.give({entry(4, in_session(1, 7, 2, apply_ops_of({insert_of(4), insert_of(5)}, partial))),
               entry(5, insert_of(6)), entry(6, in_session(1, 7, 4, apply_ops_of({insert_of(7)}, R"("count": 4)"))),
               entry(7, insert_of(8))});
  EXPECT_EQ(reader.came_out, (lines{"1 i db.c 1", "3 i db.c 3", "5 i db.c 6", "6 i db.c 2", "6 i db.c 4", "6 i db.c 5",
                                    "6 i db.c 7", "7 i db.c 8"}))
      << reader.error;
  EXPECT_EQ(reader->resume_from(), at(7));
  EXPECT_EQ(reader->open().count, 0U);
  EXPECT_EQ(reader->open().memory_bytes, 0U);
}

TEST(transactions, a_prepared_one_waits_for_its_commit) {
  fed_reader reader;
  reader.give({entry(1, in_session(1, 7, 0, apply_ops_of({insert_of(1)}, partial))),
               entry(2, in_session(1, 7, 1, apply_ops_of({insert_of(2)}, R"("prepare": true, "count": 2)"))),
               entry(3, insert_of(3))});
  EXPECT_EQ(reader.came_out, lines{"3 i db.c 3"});
  reader.give({entry(4, in_session(1, 7, 2, commit_prepared))});
  EXPECT_EQ(reader.came_out, (lines{"3 i db.c 3", "4 i db.c 1", "4 i db.c 2"})) << reader.error;
}

TEST(transactions, an_aborted_one_vanishes) {
  fed_reader reader;
  reader.give({entry(1, in_session(1, 7, 0, apply_ops_of({insert_of(1)}, prepare))), entry(2, insert_of(2)),
               entry(3, in_session(1, 7, 1, abort_it)),
               entry(4, in_session(1, 8, 0, apply_ops_of({insert_of(4)}, partial))),
               entry(5, in_session(1, 8, 4, abort_it)),
               entry(6, in_session(2, 1, 3, abort_it))});  // it began before what is read
  EXPECT_EQ(reader.came_out, lines{"2 i db.c 2"}) << reader.error;
  EXPECT_EQ(reader->open().count, 0U);
  EXPECT_EQ(reader->open().memory_bytes, 0U);
  EXPECT_EQ(reader->resume_from(), at(6));
}

TEST(transactions, an_unprepared_one_ends_when_its_session_begins_another) {
  for (const auto& next : {in_session(1, 8, 0, apply_ops_of({insert_of(2)})),
                           in_session(1, 8, 0, apply_ops_of({insert_of(2)}, partial))}) {
    fed_reader reader;
    reader.give({entry(1, in_session(1, 7, 0, apply_ops_of({insert_of(1)}, partial))), entry(2, next)});
    EXPECT_EQ(reader.error, "");
    EXPECT_EQ(reader->resume_from(), at(2));
  }
  fed_reader prepared;
  prepared.give({entry(1, in_session(1, 7, 0, apply_ops_of({insert_of(1)}, prepare))),
                 entry(2, in_session(1, 8, 0, apply_ops_of({insert_of(2)})))});
  EXPECT_TRUE(contains(prepared.error, "has not ended")) << prepared.error;
}

TEST(transactions, sessions_do_not_mix) {
  fed_reader reader;
  reader.give({entry(1, in_session(1, 1, 0, apply_ops_of({insert_of(1)}, partial))),
               entry(2, in_session(2, 1, 0, apply_ops_of({insert_of(2)}, partial))),
               entry(3, in_session(1, 1, 1, apply_ops_of({insert_of(3)}, partial))),
               entry(4, in_session(2, 1, 2, apply_ops_of({insert_of(4)}))),
               entry(5, in_session(1, 1, 3, apply_ops_of({insert_of(5)})))});
  EXPECT_EQ(reader.came_out, (lines{"4 i db.c 2", "4 i db.c 4", "5 i db.c 1", "5 i db.c 3", "5 i db.c 5"}))
      << reader.error;
}

TEST(transactions, catalog_commands_and_nested_operations_keep_their_place) {
  fed_reader reader;
  const auto nested = R"("op": "c", "ns": "admin.$cmd", "o": )" + apply_ops_of({insert_of(2), insert_of(3)});
  reader.give({entry(1, in_session(1, 1, 0,
                                   apply_ops_of({R"("op": "c", "ns": "db.$cmd", "o": {"create": "c"})", insert_of(1),
                                                 nested, insert_of(4)})))});
  EXPECT_EQ(reader.came_out, (lines{"1 c create \"c\"", "1 i db.c 1", "1 i db.c 2", "1 i db.c 3", "1 i db.c 4"}))
      << reader.error;
}

TEST(transactions, apply_ops_of_a_client_takes_effect_at_once) {
  fed_reader reader;
  // As 6.0.27 logs a client's command: what drivers add to it stands in `o`.
  reader.give({entry(1, R"("op": "c", "ns": "admin.$cmd", "o": )" +
                            apply_ops_of({insert_of(1), insert_of(2)}, R"("lsid": {"id": 1}, "$db": "admin")"))});
  EXPECT_EQ(reader.came_out, (lines{"1 i db.c 1", "1 i db.c 2"})) << reader.error;
}

TEST(transactions, batches_of_retryable_inserts_take_effect_at_once) {
  fed_reader reader;
  const std::string batch = R"("multiOpType": 1, )";
  reader.give({entry(1, batch + in_session(1, 5, 0, apply_ops_of({insert_of(1)}))),
               entry(2, batch + in_session(1, 5, 1, apply_ops_of({insert_of(2), insert_of(3)})))});
  EXPECT_EQ(reader.came_out, (lines{"1 i db.c 1", "2 i db.c 2", "2 i db.c 3"})) << reader.error;
  EXPECT_EQ(reader->open().count, 0U);
  fed_reader unknown;
  unknown.give({entry(1, R"("multiOpType": 2, )" + in_session(1, 5, 0, apply_ops_of({insert_of(1)})))});
  EXPECT_TRUE(contains(unknown.error, "does not know")) << unknown.error;
}

TEST(transactions, chains_outside_of_sessions_are_told_apart_by_their_links) {
  const auto link = [](std::uint32_t previous, const std::string& o) {
    const std::string before = previous == 0 ? "0, \"i\": 0" : std::to_string(previous) + ", \"i\": 1";
    return R"("op": "c", "ns": "admin.$cmd", "prevOpTime": {"ts": {"$timestamp": {"t": )" + before +
           R"(}}, "t": 1}, "o": )" + o;
  };
  fed_reader reader;
  reader.give({entry(1, link(0, apply_ops_of({insert_of(1)}, partial))),
               entry(2, link(0, apply_ops_of({insert_of(2)}, partial))),
               entry(3, link(1, apply_ops_of({insert_of(3)}))), entry(4, link(2, apply_ops_of({insert_of(4)})))});
  EXPECT_EQ(reader.came_out, (lines{"3 i db.c 1", "3 i db.c 3", "4 i db.c 2", "4 i db.c 4"})) << reader.error;
}

TEST(transactions, one_that_began_before_what_was_read_must_not_commit) {
  for (const auto& end : {in_session(1, 7, 5, commit_prepared), in_session(1, 7, 5, apply_ops_of({insert_of(2)}))}) {
    fed_reader reader;
    reader.give({entry(10, end)});
    EXPECT_EQ(reader.came_out, lines{});
    EXPECT_EQ(reader.kind, error_kind::protocol);
    EXPECT_TRUE(contains(reader.error, "Timestamp(10, 1)") && contains(reader.error, "Timestamp(5, 1)"))
        << reader.error;
  }
  fed_reader late;
  late.give({entry(10, in_session(1, 7, 5, apply_ops_of({insert_of(2)}, prepare))),
             entry(11, in_session(1, 7, 10, commit_prepared))});
  EXPECT_EQ(late.came_out, lines{});
  EXPECT_TRUE(contains(late.error, "Timestamp(11, 1)") && contains(late.error, "Timestamp(5, 1)")) << late.error;
}

TEST(transactions, a_chain_with_a_hole_is_an_error) {
  for (const auto& next : {in_session(1, 7, 2, apply_ops_of({insert_of(2)}, partial)),
                           in_session(1, 7, 2, apply_ops_of({insert_of(2)})), in_session(1, 7, 2, commit_prepared)}) {
    fed_reader reader;
    reader.give({entry(1, in_session(1, 7, 0, apply_ops_of({insert_of(1)}, partial))), entry(3, next)});
    EXPECT_EQ(reader.came_out, lines{});
    EXPECT_TRUE(contains(reader.error, "missing")) << reader.error;
  }
}

TEST(transactions, after_a_restart_only_those_that_commit_later_come_out) {
  const std::vector<bson::document> oplog{
      entry(1, in_session(9, 1, 0, apply_ops_of({insert_of(90)}, partial))),  // never ends
      entry(2, in_session(1, 1, 0, apply_ops_of({insert_of(1)}, partial))),
      entry(3, in_session(2, 1, 0, apply_ops_of({insert_of(2)}, prepare))),
      entry(4, in_session(1, 1, 2, apply_ops_of({insert_of(3)}))),
      entry(5, in_session(3, 1, 0, apply_ops_of({insert_of(4)}, prepare))),
      entry(6, in_session(3, 1, 5, commit_prepared)),
      entry(7, in_session(4, 1, 0, apply_ops_of({insert_of(5)}))),
      entry(8, in_session(2, 1, 3, commit_prepared)),
      entry(9, insert_of(6))};
  fed_reader whole;
  whole.give(oplog);
  ASSERT_EQ(whole.error, "");
  for (std::uint32_t stopped = 1; stopped <= 9; ++stopped) {
    // What was applied up to `stopped`, then a new process from where the first one says.
    fed_reader before;
    before.give({oplog.begin(), oplog.begin() + stopped});
    ASSERT_EQ(before->position(), at(stopped));
    const auto from = before->resume_from();
    reader_options options;
    options.applied = at(stopped);
    fed_reader after(options);
    after.give({oplog.begin() + (from.seconds - 1), oplog.end()});
    EXPECT_EQ(after.error, "") << stopped;
    lines both = before.came_out;
    both.insert(both.end(), after.came_out.begin(), after.came_out.end());
    EXPECT_EQ(both, whole.came_out) << stopped;
    // A chunk begins earlier than asked for: the tails of what ended by then are nothing new.
    fed_reader more(options);
    more.give({oplog.begin() + (from.seconds > 2 ? from.seconds - 3 : 0), oplog.end()});
    EXPECT_EQ(more.error, "") << stopped;
    EXPECT_EQ(more.came_out, after.came_out) << stopped;
  }
}

TEST(transactions, one_that_comes_out_still_counts_as_open) {
  change_reader reader({});
  reader.give(chunk_of({entry(1, in_session(1, 7, 0, apply_ops_of({insert_of(1), insert_of(2)}, prepare))),
                        entry(2, in_session(1, 7, 1, commit_prepared))}));
  ASSERT_TRUE(reader.next().value());
  EXPECT_EQ(reader.position(), at(1));
  EXPECT_EQ(reader.resume_from(), at(1));
  EXPECT_EQ(reader.open().count, 1U);
  EXPECT_NE(reader.owner().get(), nullptr);
  ASSERT_TRUE(reader.next().value());
  EXPECT_EQ(reader.position(), at(1));
  ASSERT_FALSE(reader.next().value());
  EXPECT_EQ(reader.resume_from(), at(2));
  EXPECT_EQ(reader.open().count, 0U);
}

TEST(transactions, go_into_a_file_beyond_their_memory) {
  const spill_place place;
  reader_options options;
  options.transaction_bytes_max = 1000;
  options.spill_folder = place.path;
  fed_reader reader(options);
  std::vector<bson::document> entries;
  lines expected;
  for (int i = 1; i <= 50; ++i) {
    const auto seconds = static_cast<std::uint32_t>(i);
    entries.push_back(
        entry(seconds, in_session(1, 7, seconds - 1, apply_ops_of({insert_of(i), insert_of(i + 1000)}, partial))));
    expected.push_back("100 i db.c " + std::to_string(i));
    expected.push_back("100 i db.c " + std::to_string(i + 1000));
  }
  reader.give(entries);
  EXPECT_EQ(reader.error, "");
  EXPECT_LE(reader->open().memory_bytes, 1000U);
  EXPECT_GT(reader->open().memory_bytes, 0U);
  EXPECT_GT(reader->open().file_bytes, 5000U);
  ASSERT_TRUE(std::filesystem::is_directory(place.path));
  EXPECT_TRUE(std::filesystem::is_empty(place.path));  // it has no name that could be left behind

  reader.give({entry(100, in_session(1, 7, 50, apply_ops_of({insert_of(7)})))});
  expected.push_back("100 i db.c 7");
  EXPECT_EQ(reader.came_out, expected) << reader.error;
  EXPECT_EQ(reader->open().memory_bytes, 0U);
  EXPECT_EQ(reader->open().file_bytes, 0U);
}

TEST(transactions, keep_the_bytes_of_a_change_as_long_as_its_owner_lives) {
  const spill_place place;
  reader_options options;
  options.transaction_bytes_max = 0;  // everything goes through the file
  options.spill_folder = place.path;
  std::vector<std::pair<change, std::shared_ptr<const void>>> held;
  {
    change_reader reader(options);
    reader.give(chunk_of({entry(1, in_session(1, 7, 0, apply_ops_of({insert_of(1)}, partial))),
                          entry(2, in_session(1, 7, 1, apply_ops_of({insert_of(2)}, prepare))),
                          entry(3, in_session(1, 7, 2, commit_prepared)), entry(4, insert_of(3))}));
    while (const auto next = reader.next().value()) held.emplace_back(*next, reader.owner());
  }
  ASSERT_EQ(held.size(), 3U);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(held[static_cast<std::size_t>(i)].first.o.find("_id").to_int64(), i + 1);
}

TEST(transactions, name_the_folder_that_cannot_take_them) {
  reader_options options;
  options.transaction_bytes_max = 0;
  options.spill_folder = "/proc/nowhere";
  fed_reader reader(options);
  reader.give({entry(1, in_session(1, 7, 0, apply_ops_of({insert_of(1)}, partial)))});
  EXPECT_EQ(reader.kind, error_kind::storage);
  EXPECT_TRUE(contains(reader.error, "/proc/nowhere")) << reader.error;
}

TEST(transactions, come_out_of_any_interleaving_as_a_model_says) {
  const spill_place place;
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto below = [&random](int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random); };
  for (int round = 0; round < 300; ++round) {
    struct open_one {
      std::uint32_t last = 0;
      bool prepared = false;
      lines held;
    };
    std::map<int, open_one> open;
    std::map<int, int> number;
    std::vector<bson::document> oplog;
    lines expected;
    int id = 0;
    for (std::uint32_t now = 1; now <= 60; ++now) {
      const int session = below(6);
      lines operations;
      lines named;  // without their time
      for (int i = below(4); i >= 0; --i) {
        const bool inside = below(4) != 0;
        operations.push_back(insert_of(++id, inside ? "db.c" : "config.c"));
        if (inside) named.push_back(" i db.c " + std::to_string(id));
      }
      const auto out = [&expected, now](const lines& held) {
        for (const auto& one : held) expected.push_back(std::to_string(now) + one);
      };
      if (below(3) == 0) {
        oplog.push_back(entry(now, operations.front()));
        if (contains(operations.front(), "db.c")) out({named.front()});
        continue;
      }
      auto& one = open[session];
      if (one.last == 0) ++number[session];
      const auto put = [&](std::string_view o) {
        oplog.push_back(entry(now, in_session(session, number[session], one.last, o)));
      };
      const auto hold = [&] { one.held.insert(one.held.end(), named.begin(), named.end()); };
      bool ends = true;
      if (one.prepared) {
        const bool commits = below(2) == 0;
        put(commits ? commit_prepared : abort_it);
        if (commits) out(one.held);
      } else if (const int what = below(4); what == 0) {
        put(apply_ops_of(operations));
        hold();
        out(one.held);
      } else if (what == 1 && one.last != 0) {
        put(abort_it);
      } else {
        put(apply_ops_of(operations, what == 2 ? prepare : partial));
        hold();
        one.prepared = what == 2;
        one.last = now;
        ends = false;
      }
      if (ends) open.erase(session);
    }
    reader_options options;
    options.transaction_bytes_max = static_cast<std::size_t>(below(3)) * 400;
    options.spill_folder = place.path;
    fed_reader reader(options);
    std::size_t given = 0;
    while (given < oplog.size()) {
      const auto count = std::min(oplog.size() - given, static_cast<std::size_t>(1 + below(20)));
      const auto begin = oplog.begin() + static_cast<std::ptrdiff_t>(given);
      reader.give({begin, begin + static_cast<std::ptrdiff_t>(count)});
      given += count;
    }
    ASSERT_EQ(reader.error, "") << "round " << round;
    ASSERT_EQ(reader.came_out, expected) << "round " << round;
    std::uint32_t oldest = 60;
    EXPECT_EQ(reader->open().count, open.size());
    for (const auto& document : oplog) {
      // The oldest one's first entry, found in the simplest way.
      const auto lsid = document.view().at("lsid", "id");
      if (!lsid) continue;
      const int session = static_cast<int>(lsid.to_int64().value_or(-1));
      if (open.contains(session) && document.view().find("txnNumber").to_int64() == number[session])
        oldest = std::min(oldest, document.view().find("ts").as_timestamp()->seconds);
    }
    ASSERT_EQ(reader->resume_from(), at(oldest)) << "round " << round;
  }
}

}  // namespace sluice::capture
