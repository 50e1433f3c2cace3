#include "proxy/server/log.h"

#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <unistd.h>

#include <array>
#include <system_error>
#include <utility>
#include <vector>

#include "proxy/io/system_clock.h"
#include "proxy/server/dovecot_line.h"
#include "proxy/server/journal.h"
#include "proxy/server/log_sinks.h"

namespace poplar::server {
namespace {

constexpr size_t kQueuedLinesMax = 4096;

std::string_view LevelName(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::kDebug:
      return "debug";
    case config::LogLevel::kInfo:
      return "info";
    case config::LogLevel::kWarning:
      return "warning";
    case config::LogLevel::kError:
      return "error";
  }
  return "info";
}

std::string HostName() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

LineFormat FormatOf(const config::LogConfig& config) {
  if (config.output == config::kJournal) return LineFormat::kJournal;
  return config.format == config::LogFormat::kJson ? LineFormat::kJson : LineFormat::kLogfmt;
}

// Port scanners, load balancers' checks, handshakes that failed.
bool IsNoise(const session::Record& record) {
  return !record.logged_in && record.refused_logins == 0 && record.mechanism.empty();
}

}  // namespace

struct Log::Sink {
  std::shared_ptr<spdlog::async_logger> logger;
  std::shared_ptr<spdlog::async_logger> failed_logins;  // null: not asked for
  std::vector<std::shared_ptr<LogFile>> files;
  std::vector<spdlog::sink_ptr> sinks;  // files and all others
  const std::string host = HostName();
  // Goes first: it writes what is queued and joins its thread, and then nobody but us has the
  // loggers.
  std::shared_ptr<spdlog::details::thread_pool> pool;

  ~Sink() {
    pool.reset();
    for (const spdlog::sink_ptr& sink : sinks) sink->flush();
  }

  std::shared_ptr<spdlog::async_logger> Open(const std::string& output) {
    auto gathering =
        std::make_shared<GatheringSink>(*pool, sinks, SinkFor(output), &io::BlockThread);
    auto made = std::make_shared<spdlog::async_logger>(
        "poplar", std::move(gathering), pool, spdlog::async_overflow_policy::overrun_oldest);
    made->set_pattern("%v");
    return made;
  }
  spdlog::sink_ptr SinkFor(const std::string& output) {
    if (output == "stdout") return sinks.emplace_back(std::make_shared<StandardSink>(stdout));
    if (output == "stderr") return sinks.emplace_back(std::make_shared<StandardSink>(stderr));
    if (output == config::kJournal) return sinks.emplace_back(std::make_shared<JournalSink>());
    return sinks.emplace_back(files.emplace_back(std::make_shared<LogFile>(output)));
  }
  static void Line(spdlog::async_logger& to, std::string_view line) {
    to.log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
  }
  void Line(std::string_view line) { Line(*logger, line); }
};

tl::expected<std::unique_ptr<Log::Sink>, std::string> Log::OpenSink(
    const config::LogConfig& config) {
  const char* setting = "log.output";
  const std::string* output = &config.output;
  try {
    if (config.output == config::kJournal) {
      if (const auto found = FindJournal(); !found)
        return tl::unexpected("log.output: cannot write to the journal: " + found.error());
    }
    auto sink = std::make_unique<Sink>();
    sink->pool = std::make_shared<spdlog::details::thread_pool>(kQueuedLinesMax, 1);
    sink->logger = sink->Open(*output);
    if (config.failed_logins.empty()) return sink;
    setting = "log.failed_logins";
    output = &config.failed_logins;
    sink->failed_logins = sink->Open(*output);
    return sink;
  } catch (const std::system_error& error) {
    return tl::unexpected(std::string("log: cannot start its thread: ") + error.what() +
                          ". Raise the limit on threads (TasksMax= in the systemd unit, the "
                          "container's pids limit).");
  } catch (const spdlog::spdlog_ex& error) {
    return tl::unexpected(std::string(setting) + ": cannot write to " + *output + ": " +
                          error.what() +
                          ". Name stdout, stderr or a file in a directory that exists and is "
                          "writable.");
  }
}

tl::expected<std::unique_ptr<Log>, std::string> Log::Open(const config::LogConfig& config,
                                                          const io::Clock& clock) {
  auto sink = OpenSink(config);
  if (!sink) return tl::unexpected(std::move(sink.error()));
  return std::unique_ptr<Log>(new Log(std::move(*sink), config, clock));
}

Log::Log(std::unique_ptr<Sink> sink, const config::LogConfig& config, const io::Clock& clock)
    : sink_(std::move(sink)),
      format_(FormatOf(config)),
      level_(config.level),
      noise_(static_cast<uint32_t>(config.noise_per_second)),
      clock_(clock) {}

Log::~Log() { TellOfNoise(noise_.TakeAll()); }

void Log::Write(const session::Record& record) {
  const int64_t now = clock_.UnixMicros();
  if (sink_->failed_logins != nullptr && record.refused_logins > 0 && !record.logged_in)
    Sink::Line(*sink_->failed_logins, DovecotLine(now, sink_->host, record));
  if (level_ > config::LogLevel::kInfo) return;
  const bool admitted = !IsNoise(record) || noise_.Admit(now);
  TellOfNoise(noise_.TakeLeftOut(now));
  if (admitted) sink_->Line(SessionLine(format_, now, record));
}

void Log::TellOfNoise(uint64_t left_out) {
  if (left_out == 0) return;
  StructuredLine line(format_, clock_.UnixMicros(), "info", "noise");
  line.Number("sessions", left_out)
      .Text("message", std::to_string(left_out) +
                           " more connections in which nobody tried to log in ended, and have no "
                           "lines of their own (log.noise_per_second); the metrics have them all");
  sink_->Line(line.Take());
}

void Log::NodeChanged(std::string_view node, const balancer::Transition& transition) {
  const bool well =
      transition.to == balancer::NodeState::kUp && transition.admin_to == balancer::AdminState::kUp;
  const config::LogLevel level = well ? config::LogLevel::kInfo : config::LogLevel::kWarning;
  if (level < level_) return;
  StructuredLine line(format_, clock_.UnixMicros(), LevelName(level), "node");
  line.Text("node", node)
      .Text("from", Name(transition.from))
      .Text("to", Name(transition.to))
      .Text("admin", Name(transition.admin_to))
      .Text("cause", Name(transition.cause))
      .Text("evidence", transition.evidence);
  sink_->Line(line.Take());
}

void Log::Event(config::LogLevel level, std::string_view message) {
  if (level < level_) return;
  StructuredLine line(format_, clock_.UnixMicros(), LevelName(level), "process");
  sink_->Line(line.Text("message", message).Take());
}

void Log::Use(const config::LogConfig& config) {
  if (format_ != LineFormat::kJournal) format_ = FormatOf(config);
  level_ = config.level;
  noise_.set_lines_per_second(static_cast<uint32_t>(config.noise_per_second));
}

void Log::Reopen() {
  for (const auto& file : sink_->files) {
    if (const auto fault = file->Reopen()) Error("log: " + *fault);
  }
}

uint64_t Log::dropped() const { return sink_->pool->overrun_counter(); }

}  // namespace poplar::server
