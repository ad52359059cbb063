// A document taken apart field by field and put together again through the builder's typed appends. For tests only.
#pragma once

#include "bson/document.hpp"

namespace sluice::bson::test {

inline void rebuild_fields(builder& out, document_view fields, bool array);

inline void rebuild_field(builder& out, std::string_view key, element_view field) {
  switch (field.type()) {
    case type::int32:
      out.append(key, *field.as_int32());
      break;
    case type::int64:
      out.append(key, *field.as_int64());
      break;
    case type::double_:
      out.append(key, *field.as_double());
      break;
    case type::boolean:
      out.append(key, *field.as_bool());
      break;
    case type::string:
      out.append(key, *field.as_string());
      break;
    case type::timestamp:
      out.append(key, *field.as_timestamp());
      break;
    case type::object_id:
      out.append(key, *field.as_object_id());
      break;
    case type::binary:
      out.append(key, *field.as_binary());
      break;
    case type::date_time:
      out.append_date_ms(key, *field.as_date_ms());
      break;
    case type::null:
      out.append_null(key);
      break;
    case type::document:
      out.open_document(key);
      rebuild_fields(out, *field.as_document(), false);
      out.close();
      break;
    case type::array:
      out.open_array(key);
      rebuild_fields(out, *field.as_array(), true);
      out.close();
      break;
    default:
      out.append(key, field);
      break;
  }
}

inline void rebuild_fields(builder& out, document_view fields, bool array) {
  for (const element_view field : fields) {
    if (array) {
      rebuild_field(out, out.next_index(), field);
    } else {
      rebuild_field(out, field.key(), field);
    }
  }
}

/// The same bytes, except that arrays get the keys "0", "1", ... whatever they had.
inline document rebuild(document_view original) {
  builder out;
  rebuild_fields(out, original, false);
  return out.finish();
}

}  // namespace sluice::bson::test
