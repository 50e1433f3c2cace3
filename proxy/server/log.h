#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "balancer/node_health.h"
#include "proxy/config/config.h"
#include "proxy/io/clock.h"
#include "proxy/server/noise_limit.h"
#include "proxy/server/session_line.h"
#include "proxy/session/record.h"

namespace poplar::server {

// The process's log. Lines go through a bounded queue to a thread of their own: a full disk or a
// stuck pipe never holds a worker up, it costs the oldest lines, and they are counted. Any thread
// may write.
class Log final : public session::SessionLog {
 public:
  static tl::expected<std::unique_ptr<Log>, std::string> Open(const config::LogConfig& config,
                                                              const io::Clock& clock);
  ~Log() override;

  void Write(const session::Record& record) override;

  // `node`: "cluster/node". A node that leaves service is worth a warning.
  void NodeChanged(std::string_view node, const balancer::Transition& transition);

  void Debug(std::string_view message) { Event(config::LogLevel::kDebug, message); }
  void Info(std::string_view message) { Event(config::LogLevel::kInfo, message); }
  void Warning(std::string_view message) { Event(config::LogLevel::kWarning, message); }
  void Error(std::string_view message) { Event(config::LogLevel::kError, message); }

  // Takes format, level and noise_per_second; where it goes to stays.
  void Use(const config::LogConfig& config);

  // Files are opened anew under their names; what can't be goes on into the old one, with an error
  // in the log.
  void Reopen();

  uint64_t dropped() const;

 private:
  struct Sink;
  static tl::expected<std::unique_ptr<Sink>, std::string> OpenSink(const config::LogConfig& config);
  Log(std::unique_ptr<Sink> sink, const config::LogConfig& config, const io::Clock& clock);
  void TellOfNoise(uint64_t left_out);
  void Event(config::LogLevel level, std::string_view message);

  std::unique_ptr<Sink> sink_;
  std::atomic<LineFormat> format_;
  std::atomic<config::LogLevel> level_;
  NoiseLimit noise_;  // of connections in which nobody tried to log in
  const io::Clock& clock_;
};

}  // namespace poplar::server
