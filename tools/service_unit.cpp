#include "tools/service_unit.hpp"

#include <string_view>

namespace sluice::tools {
namespace {

/// It is started once the API answers, and killed when a lane has hung for a minute; see service_notice.hpp.
constexpr std::string_view service_type = "notify\nWatchdogSec=60";

/// What needs no quotes in a unit: nothing here is a specifier, a variable, a separator or an escape.
constexpr std::string_view plain_characters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    "._-";

bool is_plain(std::string_view text, std::string_view more) {
  return text.find_first_not_of(std::string(plain_characters).append(more)) == std::string_view::npos;
}

result<> check_path(const std::string& flag, const std::string& path) {
  if (path.starts_with('/') && is_plain(path, "/+@,=")) return ok();
  return failure(error_kind::configuration,
                 flag + " \"" + path + "\" must be an absolute path of letters, digits and ./_-+@,= only");
}

// Only the state directory can be written to. The program needs no capability, no device and no other user's files; it
// starts itself once more from memory where io_uring is not to be had, which MemoryDenyWriteExecute= allows.
constexpr std::string_view confinement = R"(ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
NoNewPrivileges=yes
CapabilityBoundingSet=
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service @io-event io_uring_setup io_uring_enter io_uring_register
SystemCallErrorNumber=EPERM
UMask=0077
)";

}  // namespace

result<std::string> service_unit(const service_options& options) {
  if (options.name.empty() || options.name.starts_with('.') || !is_plain(options.name, "")) {
    return failure(error_kind::configuration,
                   "--name \"" + options.name + "\" must be letters, digits and ._- only, and begin with no dot");
  }
  SLUICE_TRYV(check_path("--program", options.program));
  std::string credentials;
  std::string command = options.program;
  if (options.config.empty()) {
    for (const char* name : {"cluster0", "cluster1"}) {
      const std::string cluster(name);
      credentials += "LoadCredential=" + cluster + ":/etc/" + options.name + "/" + cluster + "\n";
      command += " --" + cluster + "-file %d/" + cluster;
    }
  } else {
    SLUICE_TRYV(check_path("--config", options.config));
    credentials = "LoadCredential=config:" + options.config + "\n";
    command += " --config %d/config";
  }
  command += " --spool-dir %S/" + options.name + "/spool --exit-on-error";

  std::string unit = "[Unit]\nDescription=Sluice, a live migration between two MongoDB deployments (" + options.name +
                     ")\nWants=network-online.target\nAfter=network-online.target\n\n[Service]\nType=";
  unit += service_type;
  unit += "\n" + credentials + "ExecStart=" + command + "\n";
  unit +=
      "Restart=on-failure\nRestartSec=5\nLimitNOFILE=65536\nEnvironment=MONGOC_DISABLE_SHM=1\nDynamicUser="
      "yes\nStateDirectory=" +
      options.name + "\n";
  unit += confinement;
  unit += "\n[Install]\nWantedBy=multi-user.target\n";
  return unit;
}

}  // namespace sluice::tools
