// A name server for one test, on an address of the loopback network: answers what it was told, and that nothing else
// exists. UDP only, one question a message, as resolvers send it.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace sluice::lab {

struct dns_record {
  enum class kind : std::uint16_t { a = 1, txt = 16, srv = 33 };
  kind what;
  std::string name;        // without the last dot
  std::string value;       // address, text, or the target's name
  std::uint16_t port = 0;  // of an srv
};

class dns_server {
 public:
  /// Serves on `address`, port 53: the only one that a resolv.conf can name. Without the right to it, ready() is false.
  dns_server(const std::string& address, std::vector<dns_record> records);
  ~dns_server();
  dns_server(const dns_server&) = delete;
  dns_server& operator=(const dns_server&) = delete;

  [[nodiscard]] bool ready() const noexcept { return ready_; }
  [[nodiscard]] int questions() const noexcept { return questions_; }

 private:
  void serve();
  [[nodiscard]] std::string answer(const std::string& question) const;

  std::vector<dns_record> records_;
  int socket_ = -1;
  bool ready_ = false;
  std::atomic<int> questions_ = 0;
  std::thread thread_;
};

}  // namespace sluice::lab
