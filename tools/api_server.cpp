#include "tools/api_server.hpp"

#include "engine/runtime/log.hpp"

namespace sluice::tools {

result<std::unique_ptr<http::server>> open_api(runtime::lane& lane, std::uint16_t port, const api_access& access,
                                               session::controls& controls, assess::service* assessing) {
  if (!access.exposed_file.empty()) {
    log(log_level::warn, "http", "The API's token can be read by others than its owner; chmod 600 its file",
        {{"file", access.exposed_file}});
  }
  http::server_options options;
  options.address = access.bind;
  options.port = port;
  options.access.token = access.token;
  options.assessing = assessing;
  options.tls_certificate_key_file = access.tls_certificate_key_file;
  return http::server::listen(lane.executor(), options, controls);
}

}  // namespace sluice::tools
