// Oplog entries with the names that servers use, in any order and of any type: whatever the reader makes of them, it
// ends with changes or an error, and what a window and the encoder make of the changes is BSON.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include <fuzzer/FuzzedDataProvider.h>

#include "bson/document.hpp"
#include "bson/validate.hpp"
#include "engine/apply/window.hpp"
#include "engine/apply/write_command.hpp"
#include "engine/capture/change_reader.hpp"
#include "engine/capture/chunk_builder.hpp"

namespace apply = sluice::apply;
namespace bson = sluice::bson;
namespace capture = sluice::capture;

namespace {

constexpr int depth_max = 5;
constexpr int fields_max = 6;
constexpr bson::validate_options as_stored{.depth_max = bson::validate_depth_limit, .check_utf8 = false};

void require(bool holds) {
  if (!holds) std::abort();
}

std::string name(FuzzedDataProvider& from) {
  static constexpr std::array names{"_id",
                                    "ts",
                                    "t",
                                    "op",
                                    "ns",
                                    "ui",
                                    "o",
                                    "o2",
                                    "v",
                                    "wall",
                                    "lsid",
                                    "id",
                                    "uid",
                                    "diff",
                                    "i",
                                    "u",
                                    "d",
                                    "l",
                                    "b",
                                    "a",
                                    "u0",
                                    "u1",
                                    "s0",
                                    "sa",
                                    "sitems",
                                    "items",
                                    "b.c",
                                    "$v",
                                    "$set",
                                    "$inc",
                                    "x",
                                    "",
                                    "applyOps",
                                    "prepare",
                                    "partialTxn",
                                    "count",
                                    "create",
                                    "drop",
                                    "to",
                                    "$bad",
                                    "0",
                                    "renameCollection",
                                    "commitTransaction",
                                    "multiOpType",
                                    "prevOpTime",
                                    "txnNumber",
                                    "abortTransaction",
                                    "commitTimestamp",
                                    "$unset",
                                    "fromMigrate",
                                    "stmtId"};
  if (from.ConsumeProbability<float>() < 0.9F) return from.PickValueInArray(names);
  std::string any = from.ConsumeRandomLengthString(8);
  std::erase(any, '\0');
  return any;
}

std::string text(FuzzedDataProvider& from) {
  static constexpr std::array texts{"i",         "u",          "d",        "c", "n",      "xi", "shop.orders",
                                    "shop.$cmd", "admin.$cmd", "config.x", "",  "orders", "x"};
  return from.PickValueInArray(texts);
}

void add_fields(bson::builder& to, FuzzedDataProvider& from, int depth);

void add_value(bson::builder& to, const std::string& key, FuzzedDataProvider& from, int depth) {
  static constexpr std::array<std::byte, 16> uuid{std::byte{7}};
  switch (from.ConsumeIntegralInRange(0, 10)) {
    case 0:
    case 1:
    case 2:
      if (depth >= depth_max) break;
      to.open_document(key);
      add_fields(to, from, depth + 1);
      to.close();
      return;
    case 3:
      if (depth >= depth_max) break;
      to.open_array(key);
      for (int left = from.ConsumeIntegralInRange(0, 3), n = 0; n < left; ++n) {
        add_value(to, std::to_string(n), from, depth + 1);
      }
      to.close();
      return;
    case 4:
      to.append(key, from.ConsumeIntegralInRange(-1, 3));
      return;
    case 5:
      to.append(key, from.ConsumeIntegral<std::int64_t>());
      return;
    case 6:
      to.append(key, text(from));
      return;
    case 7:
      to.append(key, from.ConsumeBool());
      return;
    case 8:
      to.append(
          key, bson::timestamp{from.ConsumeIntegralInRange<std::uint32_t>(0, 3), from.ConsumeIntegral<std::uint8_t>()});
      return;
    case 9:
      to.append(key, bson::binary_view{4, uuid});
      return;
    default:
      to.append(key, from.ConsumeFloatingPoint<double>());
      return;
  }
  to.append_null(key);
}

void add_fields(bson::builder& to, FuzzedDataProvider& from, int depth) {
  for (int left = from.ConsumeIntegralInRange(0, fields_max); left > 0; --left) {
    const std::string key = name(from);
    add_value(to, key, from, depth);
  }
}

/// Mostly what every entry has, so that the reader looks further.
bson::document entry(FuzzedDataProvider& from, std::uint32_t number) {
  bson::builder made;
  if (from.ConsumeProbability<float>() < 0.9F) {
    made.append("ts", bson::timestamp{100, number}).append("t", std::int64_t{1});
    made.append("op", text(from)).append("ns", text(from));
  }
  if (from.ConsumeBool()) {
    made.open_document("o2").append("_id", from.ConsumeIntegralInRange(0, 3)).close();
    made.open_document("o").append("$v", from.ConsumeIntegralInRange(1, 2)).open_document("diff");
    add_fields(made, from, 2);
    made.close().close();
  }
  add_fields(made, from, 0);
  return made.finish();
}

void write(apply::window& open) {
  apply::write_encoder encoder;
  const apply::write_plan plan = open.finish();
  for (const auto& runs : plan.collections) {
    for (const auto& run : runs) {
      for (const auto& piece : apply::cut(run, 2)) {
        for (const bool bypass : {false, true}) {
          encoder.encode(piece, bypass);
          require(encoder.empty() || !bson::validate(encoder.array(), as_stored));
        }
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider from(data, size);
  auto to = std::make_shared<const apply::target>(apply::target{
      .ns = {"shop", "orders"}, .in_order = from.ConsumeBool(), .collated = from.ConsumeBool(), .clustered = false});
  capture::chunk_builder builder;
  for (std::uint32_t number = 1; from.remaining_bytes() > 0 && number < 50; ++number) {
    const bson::document one = entry(from, number);
    builder.add(one.bytes(), {{100, number}, 1});
  }
  capture::change_reader reader({});
  reader.give(std::make_shared<const capture::change_chunk>(builder.take({})));
  apply::window open;
  for (;;) {
    const auto next = reader.next();
    if (next.has_error() || !next.value()) break;
    const capture::change& one = *next.value();
    if (one.kind == capture::change_kind::command) continue;
    if (open.add(one, to, reader.owner()).has_error()) break;
  }
  write(open);
  return 0;
}
