#include "tools/version.hpp"

#include <boost/version.hpp>
#include <mongoc/mongoc.h>
#include <openssl/crypto.h>
#include <simdjson.h>

#include "engine/runtime/lane.hpp"
#include "sluice_build_info.hpp"

namespace sluice::tools {
namespace {

std::string compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "g++ " __VERSION__;
#endif
}

std::string boost() {
  return std::to_string(BOOST_VERSION / 100'000) + "." + std::to_string(BOOST_VERSION / 100 % 1000) + "." +
         std::to_string(BOOST_VERSION % 100);
}

std::string backend() {
  std::string name(runtime::backend_name());
#if defined(SLUICE_HAS_EPOLL_TWIN)
  name += ", and epoll where the kernel refuses it";
#endif
  return name;
}

}  // namespace

std::string version_number() {
  return build_info::version;
}

std::string version_text() {
  return "sluice " + version_number() +                           //
         "\ncommit    " + build_info::commit +                    //
         "\ncompiler  " + compiler() +                            //
         "\nBoost     " + boost() +                               //
         "\nliburing  " + build_info::liburing +                  //
         "\nlibmongoc " + ::mongoc_get_version() +                //
         "\nOpenSSL   " + ::OpenSSL_version(OPENSSL_VERSION) +    //
         "\nsimdjson  " + SIMDJSON_STRINGIFY(SIMDJSON_VERSION) +  //
         "\nbackend   " + backend();
}

}  // namespace sluice::tools
