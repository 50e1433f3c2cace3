#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "metrics/admin_handlers.h"
#include "proxy/config/trace_config.h"
#include "proxy/io/clock.h"
#include "proxy/server/log.h"
#include "proxy/server/trace_file.h"
#include "proxy/trace/rules.h"

namespace poplar::server {

// The traces that are on, and the thread that writes their files. Lines come to it through a
// bounded queue: a full disk never holds a worker up, it costs lines, which are counted. Any
// thread.
class Traces {
 public:
  // How workers learn which traces are on, in the order in which they are told. Called under a
  // lock.
  using Publish = std::function<void(std::shared_ptr<const trace::Rules> rules)>;

  // `config`: copied. The others outlive it.
  Traces(const config::TraceConfig& config, const io::Clock& clock, Log& log, Publish publish);
  // Ends them all.
  ~Traces();

  // For those that begin from now on.
  void Use(const config::TraceConfig& config);

  // Whose sessions: `rule`, without its sink; `of`: the same for whoever asks which traces are on.
  // `duration`: as an operator writes it; empty: kUsualDuration, or the most that there may be.
  metrics::ApiResult<metrics::TraceView> Start(trace::Rule rule, const std::string& of,
                                               const std::string& duration);
  metrics::ApiResult<metrics::TraceView> Stop(uint64_t id);
  std::vector<metrics::TraceView> List() const;
  // Of all that ever were.
  uint64_t dropped() const;

  static constexpr config::Duration kUsualDuration = std::chrono::minutes(10);
  static constexpr size_t kQueuedLinesMax = 4096;

 private:
  class Running;
  struct State;

  metrics::ApiResult<io::Duration> DurationOf(const std::string& text) const;
  void Begin(trace::Rule rule, const metrics::TraceView& view, TraceFile file, io::Duration lasts);
  void Write();
  void WriteBatch(const std::vector<std::shared_ptr<Running>>& traces) const;
  void EndDue();
  void End(std::shared_ptr<Running> trace, std::string_view why);
  void PublishRules() const;
  io::Duration UntilNextEnd() const;

  const io::Clock& clock_;
  Log& log_;
  const Publish publish_;
  const std::shared_ptr<State> state_;
  std::mutex starting_;  // one begins at a time; a file that is slow to be made holds no worker up
  config::TraceConfig config_;  // guarded by starting_, as the next
  uint64_t last_id_ = 0;
  std::thread thread_;  // from the first trace on; likewise
};

}  // namespace poplar::server
