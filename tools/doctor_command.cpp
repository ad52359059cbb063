#include "tools/doctor_command.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/runtime/limits.hpp"
#include "engine/session/spool_place.hpp"
#include "tools/archive.hpp"
#include "tools/doctor_host.hpp"
#include "tools/doctor_values.hpp"
#include "tools/scrubber.hpp"

namespace sluice::tools {
namespace {

namespace fs = std::filesystem;

/// Of all log files together: the newest first.
constexpr std::size_t log_bytes_max = 8 * limits::mib;

struct api_part {
  const char* path;
  const char* file;
};
// Nothing here changes anything, or goes on for ever as /api/v1/events does.
constexpr std::array api_parts{
    api_part{"/healthz", "api/healthz.json"},
    api_part{"/readyz", "api/readyz.json"},
    api_part{"/api/v1/progress", "api/progress.json"},
    api_part{"/api/v1/namespaces?limit=1000&sort=remaining", "api/namespaces.json"},
    api_part{"/api/v1/history?seconds=604800", "api/history.json"},
    api_part{"/api/v1/assess", "api/assessment.json"},
    api_part{"/metrics", "api/metrics.txt"},
};

std::string time_text(std::time_t when, const char* format) {
  std::tm parts{};
  ::gmtime_r(&when, &parts);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &parts)};
}

/// The end of a file, from the beginning of a line: a secret at the cut would not be known any more.
result<std::string> last_lines(const fs::path& file, std::size_t bytes_max) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  if (!in) return failure(error_kind::storage, std::strerror(errno));
  const auto size = static_cast<std::size_t>(std::max<std::streamoff>(in.tellg(), 0));
  const std::size_t wanted = std::min(size, bytes_max);
  std::string text(wanted, '\0');
  in.seekg(static_cast<std::streamoff>(size - wanted));
  in.read(text.data(), static_cast<std::streamsize>(wanted));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (wanted < size) {
    const std::size_t line_end = text.find('\n');
    text.erase(0, line_end == std::string::npos ? line_end : line_end + 1);
  }
  return text;
}

/// Those that a server with this --logPath writes and has written, the newest first.
std::vector<fs::path> log_files(const fs::path& log_path, std::error_code& failed) {
  std::error_code unknown;
  const bool is_folder = fs::is_directory(log_path, unknown);
  const std::vector<std::string> stems =
      is_folder ? std::vector<std::string>{"sluice", "mongosync"} : std::vector<std::string>{log_path.stem().string()};
  std::vector<std::pair<fs::file_time_type, fs::path>> found;
  const fs::path folder = is_folder ? log_path : log_path.parent_path();
  for (fs::directory_iterator at(folder.empty() ? fs::path(".") : folder, failed), end; !failed && at != end;
       at.increment(failed)) {
    const std::string stem = at->path().stem().string();
    const bool ours = at->path().extension() == ".log" && std::ranges::any_of(stems, [&](const std::string& name) {
                        return stem == name || stem.starts_with(name + "-");
                      });
    std::error_code gone;
    if (ours && at->is_regular_file(gone)) found.emplace_back(at->last_write_time(gone), at->path());
  }
  std::ranges::sort(found, std::ranges::greater{});
  std::vector<fs::path> files;
  for (auto& [time, file] : found) files.push_back(std::move(file));
  return files;
}

class doctor {
 public:
  doctor(const doctor_options& options, const doctor_calls& calls, std::time_t now)
      : options_(options), calls_(calls), now_(now), folder_("sluice-doctor-" + time_text(now, "%Y-%m-%dT%H-%M-%S")) {
    for (const std::string& uri : options.uris) hidden_.hide_secrets_of(uri);
    for (const std::string& token : options.tokens) hidden_.hide(token);
  }

  [[nodiscard]] std::string default_name() const { return folder_ + ".tar.gz"; }
  [[nodiscard]] const std::vector<std::string>& missing() const { return missing_; }

  result<std::string> bundle() {
    for (const std::string& complaint : options_.complaints) lack("configuration: " + complaint);
    take("version.txt", calls_.version + "\n");
    take("host.txt", host());
    take("configuration.json", values_json(options_.values));
    take_logs();
    ask_server();
    archive packed(now_);
    const auto add = [&](const std::string& name, const std::string& text) {
      packed.add(folder_ + "/" + name, hidden_.clean(text));
    };
    add("contents.txt", contents());
    for (const auto& [name, text] : parts_) add(name, text);
    return packed.compressed();
  }

 private:
  void take(std::string name, std::string text) { parts_.emplace_back(std::move(name), std::move(text)); }
  void lack(const std::string& what) { missing_.push_back(hidden_.clean(what)); }

  [[nodiscard]] std::string host() const {
    const auto& wanted = options_.values.spool_dir;
    assess::this_host_facts facts = assess::read_this_host(wanted ? fs::path(*wanted) : session::default_spool_dir());
    facts.backend = calls_.backend;
    facts.why_epoll = calls_.why_epoll;
    return host_text(facts);
  }

  void take_logs() {
    if (!options_.values.log_path) {
      lack("log: neither --logPath nor the configuration file says where it is (of a service: journalctl)");
      return;
    }
    std::error_code failed;
    const std::vector<fs::path> files = log_files(*options_.values.log_path, failed);
    if (failed) lack("log: " + *options_.values.log_path + ": " + failed.message());
    if (!failed && files.empty()) lack("log: there is none in " + *options_.values.log_path);
    std::size_t room = log_bytes_max;
    for (const fs::path& file : files) {
      auto text = room > 0 ? last_lines(file, room) : failure(error_kind::refused, "newer ones have filled the room");
      if (!text) {
        lack("log/" + file.filename().string() + ": " + text.error().message);
        continue;
      }
      room -= std::min(room, text.value().size());
      take("log/" + file.filename().string().substr(0, 60), std::move(text).value());
    }
  }

  void ask_server() {
    for (const api_part& part : api_parts) {
      auto reply = calls_.get(part.path);
      if (!reply) {
        const bool nobody = reply.error().kind == error_kind::network;
        lack((nobody ? "api: " : part.file + std::string(": ")) + reply.error().message);
        if (nobody) return;  // the others would meet the same
        continue;
      }
      if (reply.value().status != 200) {
        lack(std::string(part.file) + ": it is an answer with status " + std::to_string(reply.value().status));
      }
      take(part.file, std::move(reply.value().body));
    }
  }

  [[nodiscard]] std::string contents() const {
    std::string text = "Made by sluice doctor at " + time_text(now_, "%Y-%m-%dT%H:%M:%SZ") +
                       ".\nSecrets and values of documents are replaced by ***; names of hosts, users, databases,\n"
                       "collections and indexes are not.\n\nIn it:\n";
    for (const auto& [name, content] : parts_) {
      text += "  " + name + ", " + std::to_string(content.size()) + " bytes before redaction\n";
    }
    text += "\nWhat could not be had, and why:\n";
    for (const std::string& each : missing_) text += "  " + each + "\n";
    if (missing_.empty()) text += "  nothing\n";
    return text;
  }

  const doctor_options& options_;
  const doctor_calls& calls_;
  const std::time_t now_;
  const std::string folder_;
  scrubber hidden_;
  std::vector<std::pair<std::string, std::string>> parts_;
  std::vector<std::string> missing_;
};

/// Nothing, or why not all of it could be written.
std::string write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return std::strerror(errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

exit_code run_doctor(const doctor_options& options, const doctor_calls& calls, std::ostream& out, std::ostream& err) {
  doctor asked(options, calls, std::time(nullptr));
  const bool to_stream = options.output == "-";
  const std::string name = options.output.empty() ? asked.default_name() : options.output;
  // Before anything is gathered: what cannot be written is told at once.
  const int file = to_stream ? -1 : ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (!to_stream && file < 0) {
    const bool there = errno == EEXIST;
    err << "sluice: " << name << (there ? " is there already; name another file with --output" : "")
        << (there ? "" : std::string(": ") + std::strerror(errno)) << "\n";
    return there ? exit_code::refused : exit_code::failed;
  }
  const auto bundle = asked.bundle();
  std::string fault = bundle ? std::string() : bundle.error().message;
  if (bundle && to_stream) {
    out << bundle.value() << std::flush;
    if (!out) fault = "it cannot be written";
  } else if (bundle) {
    fault = write_all(file, bundle.value());
  }
  if (!to_stream && ::close(file) != 0 && fault.empty()) fault = std::strerror(errno);
  if (!fault.empty()) {
    if (!to_stream) ::unlink(name.c_str());
    err << "sluice: " << name << ": " << fault << "\n";
    return exit_code::failed;
  }
  for (const std::string& each : asked.missing()) err << "not in it: " << each << "\n";
  if (!to_stream) out << name << "\n";
  return exit_code::everything_is_there;
}

}  // namespace sluice::tools
