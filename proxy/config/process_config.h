#pragma once

#include <chrono>
#include <string>

#include "proxy/config/field.h"
#include "proxy/config/upstream_timeouts_config.h"

namespace poplar::config {

// What of the kernel sockets are served by.
enum class IoEngine { kAuto, kUring, kEpoll };
inline constexpr ChoiceName<IoEngine> kIoEngineNames[] = {
    {IoEngine::kAuto, "auto"}, {IoEngine::kUring, "io_uring"}, {IoEngine::kEpoll, "epoll"}};

struct TimeoutsConfig {
  Duration tls_handshake = std::chrono::seconds(10);
  Duration login = std::chrono::seconds(60);
  Duration upstream_connect = kUpstreamTimeout;
  Duration upstream_response = kUpstreamTimeout;
  Duration upstream_keepalive = kUpstreamKeepalive;
  Duration client_idle = std::chrono::minutes(10);
  Duration client_write_stall = std::chrono::seconds(60);

  bool operator==(const TimeoutsConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, TimeoutsConfig& c) {
  constexpr Bounds<Duration> kBounds = {std::chrono::milliseconds(100), std::chrono::hours(24)};
  v.Time("tls_handshake", c.tls_handshake, kBounds,
         {.help = "For a client's whole TLS handshake."});
  v.Time("login", c.login, kBounds,
         {.help = "From the connection until the client must be logged in."});
  DescribeUpstreamTimeouts(v, c);
  v.Time("client_idle", c.client_idle, kBounds,
         {.help = "Longest silence of a logged-in client between commands. RFC 1939 asks for 10m "
                  "at least."});
  v.Time(
      "client_write_stall", c.client_write_stall, kBounds,
      {.help = "Longest time that a client may take for one piece (16 KiB at most) of an answer."});
}

struct LimitsConfig {
  int sessions = 100'000;
  int bad_commands = 20;
  int bad_commands_before_login = 3;
  int failed_logins = 3;
  Size buffer_memory = MiB(256);

  bool operator==(const LimitsConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, LimitsConfig& c) {
  v.Integer("sessions", c.sessions, {1, 10'000'000},
            {.help = "Client connections at once, for the whole process."});
  v.Integer("bad_commands", c.bad_commands, {1, 10'000},
            {.help = "Commands of one logged-in session that make no sense before it is closed."});
  v.Integer(
      "bad_commands_before_login", c.bad_commands_before_login, {1, 10'000},
      {.help = "The same before login, where scanners talk. A way to log in that isn't offered "
               "doesn't count: clients try several."});
  v.Integer("failed_logins", c.failed_logins, {1, 100},
            {.help = "Failed logins of one connection before it is closed."});
  v.Bytes("buffer_memory", c.buffer_memory, {MiB(1), GiB(1024)},
          {.help = "I/O buffers of all sessions together; beyond it sessions wait for each other.",
           .live = false});
}

struct AdminConfig {
  bool enabled = true;
  std::string address = "127.0.0.1:9995";
  std::string read_token_file;
  std::string write_token_file;

  bool operator==(const AdminConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, AdminConfig& c) {
  v.Flag("enabled", c.enabled,
         {.help = "Serves /metrics, /livez and /readyz over HTTP.", .live = false});
  v.Text(
      "address", c.address,
      {.help = "IP address and port to serve them on; port 0 takes any free port. Without tokens "
               "everybody who reaches it may read, and whoever is on this machine may change "
               "things.",
       .live = false});
  v.Path(
      "read_token_file", c.read_token_file,
      {.help =
           "All but /livez and /readyz is told only to those who send the first line of this "
           "file (Authorization: Bearer ..., or in browsers as the password, whatever the user's "
           "name), or that of write_token_file."});
  v.Path("write_token_file", c.write_token_file,
         {.help = "Changes are taken only with the first line of this file (Authorization: Bearer "
                  "...), then from anywhere."});
}

enum class LogFormat { kJson, kLogfmt };
inline constexpr ChoiceName<LogFormat> kLogFormatNames[] = {{LogFormat::kJson, "json"},
                                                            {LogFormat::kLogfmt, "logfmt"}};

enum class LogLevel { kDebug, kInfo, kWarning, kError };
inline constexpr ChoiceName<LogLevel> kLogLevelNames[] = {{LogLevel::kDebug, "debug"},
                                                          {LogLevel::kInfo, "info"},
                                                          {LogLevel::kWarning, "warning"},
                                                          {LogLevel::kError, "error"}};

// As log.output.
inline constexpr std::string_view kJournal = "journal";

struct LogConfig {
  LogFormat format = LogFormat::kJson;
  LogLevel level = LogLevel::kInfo;
  // "stderr", "stdout", kJournal or an absolute path.
  std::string output = "stderr";
  // Empty, or an absolute path.
  std::string failed_logins;
  int noise_per_second = 50;  // 0: unbounded

  bool operator==(const LogConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, LogConfig& c) {
  v.Choice("format", c.format, kLogFormatNames, {.help = "How each line is written."});
  v.Choice("level", c.level, kLogLevelNames,
           {.help = "The least important lines that are still written."});
  v.Text("output", c.output,
         {.help = "stderr, stdout, journal, or the absolute path of a file to append to; SIGHUP "
                  "opens it anew. In systemd's journal each value is a field of its own: "
                  "journalctl POPLAR_USER=alice@example.com; there format means nothing.",
          .live = false});
  v.Text("failed_logins", c.failed_logins,
         {.help = "The absolute path of a file to which sessions with failed logins are also "
                  "written, the way Dovecot writes them: fail2ban's and CrowdSec's filters for "
                  "Dovecot match.",
          .live = false});
  v.Integer("noise_per_second", c.noise_per_second, {0, 1'000'000},
            {.help = "Most lines a second about connections in which nobody tried to log in (port "
                     "scanners, load balancers' checks, failed handshakes). Those beyond are told "
                     "by their number. 0: all have their line."});
}

}  // namespace poplar::config
