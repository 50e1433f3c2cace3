#include "proxy/server/log.h"

#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <system_error>
#include <utility>

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

spdlog::sink_ptr OpenSink(const std::string& output) {
  if (output == "stdout") return std::make_shared<spdlog::sinks::stdout_sink_mt>();
  if (output == "stderr") return std::make_shared<spdlog::sinks::stderr_sink_mt>();
  return std::make_shared<spdlog::sinks::basic_file_sink_mt>(output);
}

}  // namespace

struct Log::Sink {
  std::shared_ptr<spdlog::async_logger> logger;
  // Goes first: it writes what is queued and joins its thread, and then nobody but us has the
  // logger.
  std::shared_ptr<spdlog::details::thread_pool> pool;

  void Line(std::string_view line) {
    logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
  }
};

tl::expected<std::unique_ptr<Log>, std::string> Log::Open(const config::LogConfig& config,
                                                          const io::Clock& clock) {
  try {
    auto sink = std::make_unique<Sink>();
    sink->pool = std::make_shared<spdlog::details::thread_pool>(kQueuedLinesMax, 1);
    sink->logger =
        std::make_shared<spdlog::async_logger>("poplar", OpenSink(config.output), sink->pool,
                                               spdlog::async_overflow_policy::overrun_oldest);
    sink->logger->set_pattern("%v");
    sink->logger->flush_on(spdlog::level::info);
    const LineFormat format =
        config.format == config::LogFormat::kJson ? LineFormat::kJson : LineFormat::kLogfmt;
    return std::unique_ptr<Log>(new Log(std::move(sink), format, config.level, clock));
  } catch (const std::system_error& error) {
    return tl::unexpected(std::string("log: cannot start its thread: ") + error.what() +
                          ". Raise the limit on threads (TasksMax= in the systemd unit, the "
                          "container's pids limit).");
  } catch (const spdlog::spdlog_ex& error) {
    return tl::unexpected(
        "log.output: cannot write to " + config.output + ": " + error.what() +
        ". Name stdout, stderr or a file in a directory that exists and is writable.");
  }
}

Log::Log(std::unique_ptr<Sink> sink, LineFormat format, config::LogLevel level,
         const io::Clock& clock)
    : sink_(std::move(sink)), format_(format), level_(level), clock_(clock) {}

Log::~Log() = default;

void Log::Write(const session::Record& record) {
  if (level_ > config::LogLevel::kInfo) return;
  sink_->Line(SessionLine(format_, clock_.UnixMicros(), record));
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

uint64_t Log::dropped() const { return sink_->pool->overrun_counter(); }

}  // namespace poplar::server
