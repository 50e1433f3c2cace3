#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace poplar::io {

// Host names and their addresses, as in /etc/hosts.
using Hosts = std::map<std::string, std::vector<std::string>>;

// A real dnsmasq on a free port of the loopback. It knows `hosts`, with a TTL of 60 s, and what its
// options say; other names don't exist, or are refused.
class NameServer {
 public:
  enum class Others : uint8_t { kDontExist, kAreRefused };
  explicit NameServer(const Hosts& hosts, std::vector<std::string> options = {},
                      Others others = Others::kDontExist);
  ~NameServer();
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  uint16_t port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  std::filesystem::path folder_;
  uint16_t port_ = 0;
  pid_t process_ = -1;
};

// A name server by UDP for everything that no real one says. Empty: silence.
class ScriptedNameServer {
 public:
  using Script = std::function<std::string(const std::string& question)>;
  explicit ScriptedNameServer(Script script);
  ~ScriptedNameServer();
  ScriptedNameServer(const ScriptedNameServer&) = delete;
  ScriptedNameServer& operator=(const ScriptedNameServer&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  // --- for scripts
  static uint16_t TypeOf(const std::string& question);
  static bool HasEdns(const std::string& question);
  // The question's own header and question section as an answer, with so many records in `records`.
  static std::string Answer(const std::string& question, int rcode, int count = 0,
                            const std::string& records = {});

 private:
  void Run(const Script& script) const;

  int socket_ = -1;
  uint16_t port_ = 0;
  std::thread thread_;
};

// A port of the loopback that is free for UDP and TCP.
uint16_t FreePort();

}  // namespace poplar::io
