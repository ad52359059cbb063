// Boost.JSON's code, compiled here and nowhere else. Boost.JSON only writes; what comes in is read by simdjson.
#include <boost/json/src.hpp>
