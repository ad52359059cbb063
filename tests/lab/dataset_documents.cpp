// The documents of the data sets.
#include "tests/lab/dataset_documents.hpp"

#include <array>
#include <cstring>
#include <string_view>

namespace sluice::lab {
namespace {

void append_text(bson_t* into, const char* key, std::string_view text) {
  bson_append_utf8(into, key, -1, text.data(), static_cast<int>(text.size()));
}

// Four bytes and eight bytes, the most significant first: ObjectIds that a seed determines.
bson_oid_t object_id(std::uint64_t first, std::uint64_t last) {
  bson_oid_t id;
  for (std::size_t byte = 0; byte < 4; ++byte) {
    id.bytes[byte] = static_cast<std::uint8_t>(first >> (24 - 8 * byte));
  }
  for (std::size_t byte = 0; byte < 8; ++byte) {
    id.bytes[4 + byte] = static_cast<std::uint8_t>(last >> (56 - 8 * byte));
  }
  return id;
}

void append_random(bson_t* into, const char* key, random_source& random, int depth);

void append_random_fields(bson_t* into, random_source& random, int depth, bool is_array) {
  const std::uint64_t fields = choose(random, 8);
  for (std::uint64_t field = 0; field < fields; ++field) {
    const std::string name = is_array ? std::to_string(field) : "f" + std::to_string(field);
    append_random(into, name.c_str(), random, depth);
  }
}

void append_random_container(bson_t* into, const char* key, random_source& random, int depth, bool is_array) {
  bson_t child;
  if (is_array) {
    bson_append_array_begin(into, key, -1, &child);
    append_random_fields(&child, random, depth + 1, true);
    bson_append_array_end(into, &child);
  } else {
    bson_append_document_begin(into, key, -1, &child);
    append_random_fields(&child, random, depth + 1, false);
    bson_append_document_end(into, &child);
  }
}

void append_random(bson_t* into, const char* key, random_source& random, int depth) {
  const auto number = random();
  switch (choose(random, depth < 5 ? 16 : 13)) {
    case 0:
      bson_append_int32(into, key, -1, static_cast<std::int32_t>(number));
      break;
    case 1:
      bson_append_int64(into, key, -1, static_cast<std::int64_t>(number));
      break;
    case 2: {
      double value = 0;  // any bit pattern: signalling NaNs, denormals, negative zero
      std::memcpy(&value, &number, sizeof value);
      bson_append_double(into, key, -1, value);
      break;
    }
    case 3: {
      bson_decimal128_t value;
      value.high = number;
      value.low = random();
      bson_append_decimal128(into, key, -1, &value);
      break;
    }
    case 4:
      append_text(into, key, random_text(random, choose(random, 200)));
      break;
    case 5:
      bson_append_bool(into, key, -1, (number & 1) != 0);
      break;
    case 6:
      bson_append_date_time(into, key, -1, static_cast<std::int64_t>(number));
      break;
    case 7:
      bson_append_null(into, key, -1);
      break;
    case 8: {
      const bson_oid_t id = object_id(number >> 32, number);
      bson_append_oid(into, key, -1, &id);
      break;
    }
    case 9: {
      const std::string bytes = random_text(random, choose(random, 300));
      bson_append_binary(into, key, -1, BSON_SUBTYPE_BINARY, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                         static_cast<std::uint32_t>(bytes.size()));
      break;
    }
    case 10:
      bson_append_timestamp(into, key, -1, static_cast<std::uint32_t>(number | 1), static_cast<std::uint32_t>(number));
      break;
    case 11:
      bson_append_regex(into, key, -1, "^a.*b$", "im");
      break;
    case 12:
      (number & 1) != 0 ? bson_append_minkey(into, key, -1) : bson_append_maxkey(into, key, -1);
      break;
    default:
      append_random_container(into, key, random, depth, (number & 1) != 0);
  }
}

document with_raw_text(const char* id, std::string_view key, std::string_view text) {
  document doc;
  append_text(doc.get(), "_id", id);
  bson_append_utf8(doc.get(), key.data(), static_cast<int>(key.size()), text.data(), static_cast<int>(text.size()));
  return doc;
}

document nested(const char* id, int depth) {
  document inner;
  for (int level = 0; level < depth; ++level) {
    document outer;
    if (level % 2 == 0) {
      bson_append_document(outer.get(), "0", 1, inner.get());
    } else {
      bson_append_array(outer.get(), "a", 1, inner.get());
    }
    inner = std::move(outer);
  }
  document doc;
  append_text(doc.get(), "_id", id);
  bson_append_document(doc.get(), "deep", 4, inner.get());
  return doc;
}

}  // namespace

std::string random_text(random_source& random, std::size_t length) {
  static constexpr std::string_view letters = "etaoinshrdlucmfwypvbgk etaoin sh";
  static_assert(letters.size() == 32);
  std::string text(length, ' ');
  std::uint64_t bits = 0;
  for (std::size_t at = 0; at < length; ++at) {
    bits = at % 12 == 0 ? random() : bits >> 5;
    text[at] = letters[bits & 31];
  }
  return text;
}

document lim_document(random_source& random, std::uint64_t index) {
  document doc;
  bson_t* bson = doc.get();
  // As drivers make them: seconds first, a counter last. Random ones would make every index insert a cache miss.
  constexpr std::uint64_t made_per_second = 1000;
  const bson_oid_t id = object_id(1'600'000'000 + index / made_per_second, index);
  bson_append_oid(bson, "_id", 3, &id);
  bson_append_int64(bson, "number", 6, static_cast<std::int64_t>(index));
  bson_append_date_time(bson, "created", 7, 1'600'000'000'000 + static_cast<std::int64_t>(index));
  bson_append_bool(bson, "active", 6, (random() & 1) != 0);
  bson_append_double(bson, "score", 5, static_cast<double>(choose(random, 1'000'000)) / 1000);
  bson_t customer;
  bson_append_document_begin(bson, "customer", 8, &customer);
  append_text(&customer, "name", random_text(random, 20));
  append_text(&customer, "email", random_text(random, 24));
  bson_t address;
  bson_append_document_begin(&customer, "address", 7, &address);
  append_text(&address, "street", random_text(random, 30));
  append_text(&address, "city", random_text(random, 12));
  bson_append_int32(&address, "zip", 3, static_cast<std::int32_t>(choose(random, 100'000)));
  bson_append_document_end(&customer, &address);
  bson_append_document_end(bson, &customer);
  bson_t items;
  bson_append_array_begin(bson, "items", 5, &items);
  static constexpr std::array<const char*, 4> positions{"0", "1", "2", "3"};
  for (const char* position : positions) {
    bson_t item;
    bson_append_document_begin(&items, position, 1, &item);
    append_text(&item, "sku", random_text(random, 12));
    bson_append_int32(&item, "quantity", 8, static_cast<std::int32_t>(choose(random, 100)));
    bson_append_double(&item, "price", 5, static_cast<double>(choose(random, 100'000)) / 100);
    bson_append_document_end(&items, &item);
  }
  bson_append_array_end(bson, &items);
  // 300 … 399 bytes: sizes differ as they do in life, and the average comes to 861.
  append_text(bson, "comment", random_text(random, 300 + choose(random, 100)));
  return doc;
}

document random_document(random_source& random, std::uint64_t id) {
  document doc;
  bson_append_int64(doc.get(), "_id", 3, static_cast<std::int64_t>(id));
  append_random_fields(doc.get(), random, 0, false);
  append_random_container(doc.get(), "more", random, 0, false);
  return doc;
}

std::vector<document> odd_id_documents() {
  // Values that compare as equal (1, 1.0, NumberLong(1)) cannot stand in one collection, so each number is another one.
  static constexpr std::array texts{
      R"({"$numberInt": "1"})",
      R"({"$numberInt": "-2147483648"})",
      R"({"$numberDouble": "2.5"})",
      R"({"$numberDouble": "-0.0"})",
      R"({"$numberDouble": "NaN"})",
      R"({"$numberDouble": "Infinity"})",
      R"({"$numberDouble": "-Infinity"})",
      R"({"$numberDouble": "4.9e-324"})",
      R"({"$numberDouble": "3.0"})",
      R"({"$numberLong": "4"})",
      R"({"$numberLong": "9223372036854775807"})",
      R"({"$numberLong": "-9223372036854775808"})",
      R"({"$numberLong": "9007199254740993"})",
      R"({"$numberDecimal": "5.00"})",
      R"({"$numberDecimal": "1E-6176"})",
      R"({"$numberDecimal": "9.999999999999999999999999999999999E+6144"})",
      R"("")",
      R"("a")",
      R"("a\u0000b")",
      R"("\u00e9\u4e2d\ud83d\ude00")",
      R"({})",
      R"({"a": 1})",
      R"({"a": 1, "b": 2})",
      R"({"b": 2, "a": 1})",
      R"({"a": [1, [2, {"c": null}]]})",
      R"({"$ref": "orders", "$id": 7})",
      R"({"$ref": "orders", "$id": 7, "$db": "shop"})",
      R"({"": 0})",
      R"({"$binary": {"base64": "", "subType": "00"}})",
      R"({"$binary": {"base64": "AQID", "subType": "00"}})",
      R"({"$binary": {"base64": "AQID", "subType": "80"}})",
      R"({"$binary": {"base64": "AAECAwQFBgcICQoLDA0ODw==", "subType": "03"}})",
      R"({"$binary": {"base64": "AAECAwQFBgcICQoLDA0ODw==", "subType": "04"}})",
      R"({"$binary": {"base64": "AAECAwQFBgcICQoLDA0ODw==", "subType": "05"}})",
      R"({"$oid": "000000000000000000000000"})",
      R"({"$oid": "ffffffffffffffffffffffff"})",
      R"({"$date": {"$numberLong": "0"}})",
      R"({"$date": {"$numberLong": "-9223372036854775808"}})",
      R"({"$date": {"$numberLong": "253402300800000"}})",
      "true",
      "false",
      "null",
      R"({"$timestamp": {"t": 0, "i": 0}})",
      R"({"$timestamp": {"t": 4294967295, "i": 4294967295}})",
      R"({"$minKey": 1})",
      R"({"$maxKey": 1})",
      R"({"$code": "function() {}"})",
      R"({"$code": "function() { return x; }", "$scope": {"x": 1}})",
      R"({"$symbol": "a symbol"})",
      R"({"$dbPointer": {"$ref": "db.c", "$id": {"$oid": "57e193d7a9cc81b4027498b1"}}})",
  };
  std::vector<document> documents;
  documents.reserve(texts.size() + 3);
  for (const std::string_view text : texts) {
    documents.push_back(
        document::json(R"({"_id": )" + std::string(text) + R"(, "n": )" + std::to_string(documents.size()) + "}"));
  }
  for (const std::size_t length : {1023U, 1025U, 70'000U}) {
    const std::string text(length, static_cast<char>('a' + length % 26));
    documents.push_back(document::json(R"({"_id": ")" + text + "\"}"));
  }
  return documents;
}

std::vector<document> odd_value_documents(bool dollar_names) {
  static constexpr std::array texts{
      R"({"_id": "numbers", "i": {"$numberInt": "-1"}, "l": {"$numberLong": "1"}, "d": {"$numberDouble": "1.0"},
          "negative zero": {"$numberDouble": "-0.0"}, "nan": {"$numberDouble": "NaN"},
          "decimal": {"$numberDecimal": "1.00"}, "decimal nan": {"$numberDecimal": "NaN"},
          "decimal infinity": {"$numberDecimal": "-Infinity"}})",
      R"({"_id": "deprecated", "undefined": {"$undefined": true}, "symbol": {"$symbol": "s"},
          "pointer": {"$dbPointer": {"$ref": "db.c", "$id": {"$oid": "57e193d7a9cc81b4027498b1"}}},
          "scope": {"$code": "f", "$scope": {"a": {"$code": "g", "$scope": {}}}}})",
      R"({"_id": "regex", "plain": {"$regularExpression": {"pattern": "a/b\"c", "options": "imsx"}},
          "empty": {"$regularExpression": {"pattern": "", "options": ""}}})",
      R"({"_id": "binary", "old": {"$binary": {"base64": "AQIDBA==", "subType": "02"}},
          "own": {"$binary": {"base64": "AQIDBA==", "subType": "ff"}},
          "md5": {"$binary": {"base64": "AAECAwQFBgcICQoLDA0ODw==", "subType": "05"}}})",
      R"({"_id": "empty", "text": "", "document": {}, "array": [], "nested": [[], {}, [[]]]})",
      R"({"_id": "keys", "min": {"$minKey": 1}, "max": {"$maxKey": 1}, "in array": [{"$minKey": 1}, {"$maxKey": 1}]})",
      R"({"_id": "nested timestamp", "in": {"ts": {"$timestamp": {"t": 0, "i": 0}}},
          "array": [{"$timestamp": {"t": 0, "i": 0}}]})",
      R"({"_id": "names", "a.b": 1, "a": {"b": 2, "b.c": 3}, ".": 4, "x..y": 5, "with space": 6, "é": 7, "0": 8})",
      R"({"_id": "dates", "early": {"$date": {"$numberLong": "-62135596800001"}},
          "late": {"$date": {"$numberLong": "9223372036854775807"}}})",
  };
  std::vector<document> documents;
  documents.reserve(texts.size() + 10);
  for (const std::string_view text : texts) {
    documents.push_back(document::json(text));
  }
  documents.push_back(with_raw_text("empty name", "", "the field's name is empty"));
  documents.push_back(with_raw_text("invalid text", "bytes", "\xff\xfe \xc3\x28 \xed\xa0\x80"));
  documents.push_back(with_raw_text("zero in text", "text", std::string_view("a\0b\0", 4)));
  documents.push_back(with_raw_text("invalid name", "\xff\xc0", "the field's name is no UTF-8"));
  documents.push_back(nested("deep", 150));
  {
    document twice = with_raw_text("same name twice", "a", "first");
    append_text(twice.get(), "a", "second");
    documents.push_back(std::move(twice));
  }
  {
    // Nothing forces array keys to count from 0: the bytes must survive.
    document odd = with_raw_text("array with odd keys", "before", "x");
    bson_t array;
    bson_append_array_begin(odd.get(), "array", 5, &array);
    for (const char* key : {"7", "7", "x", ""}) {
      append_text(&array, key, "value");
    }
    bson_append_array_end(odd.get(), &array);
    documents.push_back(std::move(odd));
  }
  {
    document many = with_raw_text("many fields", "first", "of 3000");
    for (int field = 0; field < 3000; ++field) {
      bson_append_int32(many.get(), ("field" + std::to_string(field)).c_str(), -1, field);
    }
    documents.push_back(std::move(many));
  }
  if (dollar_names) {
    document dollars = with_raw_text("dollar names", "$set", "not an operator");
    append_text(dollars.get(), "$v", "not a version");
    append_text(dollars.get(), "$a.b", "both");
    append_text(dollars.get(), "$", "alone");
    documents.push_back(std::move(dollars));
  }
  return documents;
}

document padded_document(std::uint64_t id, std::size_t bytes) {
  document doc;
  bson_append_int64(doc.get(), "_id", 3, static_cast<std::int64_t>(id));
  // Type, name with its zero, length, subtype.
  const std::size_t overhead = 1 + 8 + 4 + 1;
  random_source random(id);
  std::string filler(bytes - doc.get()->len - overhead, '\0');
  for (std::size_t at = 0; at + 8 <= filler.size(); at += 16) {  // half of it compresses
    const std::uint64_t value = random();
    std::memcpy(filler.data() + at, &value, sizeof value);
  }
  bson_append_binary(doc.get(), "padding", 7, BSON_SUBTYPE_BINARY, reinterpret_cast<const std::uint8_t*>(filler.data()),
                     static_cast<std::uint32_t>(filler.size()));
  return doc;
}

}  // namespace sluice::lab
