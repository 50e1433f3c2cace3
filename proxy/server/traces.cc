#include "proxy/server/traces.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <utility>

#include "proxy/config/units.h"
#include "proxy/server/session_line.h"
#include "proxy/server/trace_file.h"
#include "proxy/upstream/client_origin.h"

namespace poplar::server {
namespace {

// Of a file: for its last line.
constexpr uint64_t kLastLineBytes = 256;

constexpr std::string_view kTimeIsOver = "its time is over";
constexpr std::string_view kFileIsFull = "its file is as large as it may be";
constexpr std::string_view kFileFailed = "its file cannot be written";
constexpr std::string_view kStopped = "an operator stopped it";
constexpr std::string_view kPoplarStops = "Poplar stops";

std::string_view NameOf(trace::Rule::Kind kind) {
  constexpr std::string_view kNames[] = {"user", "client", "node"};
  return kNames[static_cast<size_t>(kind)];
}

tl::unexpected<metrics::ApiFault> Fault(int status, std::string why) {
  return tl::unexpected(metrics::ApiFault{status, std::move(why)});
}

// With milliseconds.
std::string TimeText(int64_t unix_micros) {
  std::string time = UtcTime(unix_micros);
  time.resize(time.size() - 3);
  return time + "Z";
}

}  // namespace

// What the writer and those who have lines for it share. Sessions may still hold a trace that has
// ended, so it outlives the Traces.
struct Traces::State {
  struct Entry {
    Running* trace;  // which isn't closed before its lines are written
    std::string line;
  };

  std::mutex mutex;  // guards all of it
  std::condition_variable wake;
  std::deque<Entry> queue;
  std::vector<std::shared_ptr<Running>> running;
  std::vector<std::shared_ptr<Running>> closing;  // ended, but for what is in the queue
  uint64_t dropped = 0;
  bool stopping = false;
};

class Traces::Running final : public trace::Sink {
 public:
  Running(std::shared_ptr<State> state, const io::Clock& clock, metrics::TraceView begun,
          io::Time until, TraceFile made, uint64_t most)
      : file(std::move(made)),
        bytes_max(most),
        view(std::move(begun)),
        ends(until),
        state_(std::move(state)),
        clock_(clock) {}

  void Line(uint64_t session, std::string_view side, std::string_view text) override {
    const std::lock_guard lock(state_->mutex);
    Put(upstream::SessionName(session).append(" ").append(side).append(" ").append(text));
  }
  // With the mutex.
  void Put(std::string_view text) {
    if (!why.empty()) return;
    if (state_->queue.size() >= kQueuedLinesMax) {
      ++view.dropped;
      ++dropped_now;
      ++state_->dropped;
      return;
    }
    std::string line = TimeText(clock_.UnixMicros());
    state_->queue.push_back({this, line.append(" ").append(text)});
    if (state_->queue.size() == 1) state_->wake.notify_one();
  }
  // The writer's.
  void Write(std::string_view line) {
    full |= file.bytes() + line.size() + 1 > bytes_max;
    if (full) return;
    file.Write(line);
    ++lines;
  }

  // The writer's alone.
  TraceFile file;
  const uint64_t bytes_max;  // of the file, but for the last line
  uint64_t lines = 0;
  uint64_t dropped_to_tell = 0;
  std::string_view last_words;  // nothing comes behind them; empty: it goes on
  bool full = false;

  // Guarded by the mutex.
  metrics::TraceView view;
  trace::Rule rule;
  const io::Time ends;
  uint64_t dropped_now = 0;  // since it was last told of
  std::string_view why;      // it has ended; empty: it hasn't
  bool is_full = false;
  bool has_failed = false;

 private:
  const std::shared_ptr<State> state_;
  const io::Clock& clock_;
};

Traces::Traces(const config::TraceConfig& config, const io::Clock& clock, Log& log, Publish publish)
    : clock_(clock),
      log_(log),
      publish_(std::move(publish)),
      state_(std::make_shared<State>()),
      config_(config) {}

Traces::~Traces() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    while (!state_->running.empty()) End(state_->running.front(), kPoplarStops);
    state_->wake.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

// --- at an operator's word

metrics::ApiResult<io::Duration> Traces::DurationOf(const std::string& text) const {
  if (text.empty()) return std::min(kUsualDuration, config_.duration_max);
  const auto duration = config::ParseDuration(text);
  if (!duration) {
    return Fault(400, "for: " + duration.error().message + "; " +
                          std::string(config::kDurationForm) + " is expected");
  }
  if (*duration <= config::Duration(0) || *duration > config_.duration_max)
    return Fault(400, "for: " + text + " is out of range; more than 0 and at most " +
                          config::FormatDuration(config_.duration_max) +
                          " (trace.duration_max) is expected");
  return *duration;
}

metrics::ApiResult<metrics::TraceView> Traces::Start(trace::Rule rule, const std::string& of,
                                                     const std::string& duration) {
  const std::lock_guard one_at_a_time(starting_);
  if (config_.directory.empty())
    return Fault(503, "nothing can be traced: set trace.directory, and reload");
  const auto lasts = DurationOf(duration);
  if (!lasts) return tl::unexpected(lasts.error());
  if (const size_t on = List().size(); on >= static_cast<size_t>(config_.at_once_max))
    return Fault(503, std::to_string(on) +
                          " traces are on, and no more may be (trace.at_once_max); stop one");
  const std::string_view kind = NameOf(rule.kind);
  const int64_t now = clock_.UnixMicros();
  auto file = TraceFile::Create(config_.directory, last_id_ + 1, kind, now);
  if (!file)
    return Fault(503, "trace.directory: cannot write " + file.error() +
                          ". It must be a folder that exists and is writable for Poplar");
  try {
    if (!thread_.joinable()) thread_ = std::thread([this] { Write(); });
  } catch (const std::system_error& error) {
    return Fault(503, std::string("cannot start the thread that writes traces: ") + error.what());
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*lasts);
  metrics::TraceView view{.id = ++last_id_,
                          .kind = std::string(kind),
                          .of = of,
                          .file = file->path(),
                          .began = now / 1'000'000,
                          .until = now / 1'000'000 + seconds.count()};
  Begin(std::move(rule), view, std::move(*file), *lasts);
  return view;
}

void Traces::Begin(trace::Rule rule, const metrics::TraceView& view, TraceFile file,
                   io::Duration lasts) {
  const std::lock_guard lock(state_->mutex);
  auto trace =
      std::make_shared<Running>(state_, clock_, view, clock_.Now() + lasts, std::move(file),
                                config_.file_bytes_max.bytes - kLastLineBytes);
  trace->rule = std::move(rule);
  trace->rule.sink = trace;
  trace->Put("- - [trace " + std::to_string(view.id) + " of a " + view.kind + " begins]");
  state_->running.push_back(std::move(trace));
  PublishRules();
  state_->wake.notify_one();  // there is another end to wait for
  log_.Info("trace " + std::to_string(view.id) + " of a " + view.kind + " begins, for " +
            config::FormatDuration(std::chrono::duration_cast<config::Duration>(lasts)) + ": " +
            view.file);
}

void Traces::Use(const config::TraceConfig& config) {
  const std::lock_guard one_at_a_time(starting_);
  config_ = config;
}

metrics::ApiResult<metrics::TraceView> Traces::Stop(uint64_t id) {
  const std::lock_guard lock(state_->mutex);
  for (const auto& trace : state_->running) {
    if (trace->view.id != id) continue;
    const auto ended = trace;
    End(ended, kStopped);
    state_->wake.notify_one();
    return ended->view;
  }
  return Fault(404, "no such trace is on: it has ended, or never was; GET /api/v1/traces");
}

std::vector<metrics::TraceView> Traces::List() const {
  const std::lock_guard lock(state_->mutex);
  std::vector<metrics::TraceView> views;
  views.reserve(state_->running.size());
  for (const auto& trace : state_->running) views.push_back(trace->view);
  return views;
}

uint64_t Traces::dropped() const {
  const std::lock_guard lock(state_->mutex);
  return state_->dropped;
}

// --- with the mutex

void Traces::PublishRules() const {
  std::vector<trace::Rule> rules;
  rules.reserve(state_->running.size());
  for (const auto& trace : state_->running) rules.push_back(trace->rule);
  publish_(std::make_shared<const trace::Rules>(std::move(rules)));
}

void Traces::EndDue() {
  const io::Time now = clock_.Now();
  const auto running = state_->running;
  for (const auto& trace : running) {
    if (trace->has_failed) {
      End(trace, kFileFailed);
    } else if (trace->is_full) {
      End(trace, kFileIsFull);
    } else if (now >= trace->ends) {
      End(trace, kTimeIsOver);
    }
  }
}

// No line of it is taken from here on.
void Traces::End(std::shared_ptr<Running> trace, std::string_view why) {
  Running& ended = *trace;
  ended.why = why;
  // Or it would hold itself.
  ended.rule.sink = nullptr;
  std::erase(state_->running, trace);
  state_->closing.push_back(std::move(trace));
  PublishRules();
  const metrics::TraceView& view = ended.view;
  std::string text = "trace " + std::to_string(view.id) + " of a " + view.kind + " has ended: ";
  text.append(why).append("; ").append(view.file);
  if (view.dropped > 0) text += "; " + std::to_string(view.dropped) + " lines dropped";
  why == kFileFailed ? log_.Error(text) : log_.Info(text);
}

io::Duration Traces::UntilNextEnd() const {
  io::Duration next = std::chrono::hours(1);
  for (const auto& trace : state_->running) next = std::min(next, trace->ends - clock_.Now());
  return std::max(next, io::Duration::zero());
}

// --- the writer

void Traces::Write() {
  std::unique_lock lock(state_->mutex);
  for (;;) {
    EndDue();
    if (state_->queue.empty() && state_->closing.empty()) {
      if (state_->stopping) break;
      state_->wake.wait_for(lock, UntilNextEnd());
      continue;
    }
    const auto queue = std::exchange(state_->queue, {});
    const auto closing = std::exchange(state_->closing, {});
    std::vector<std::shared_ptr<Running>> traces = state_->running;
    traces.insert(traces.end(), closing.begin(), closing.end());
    for (const auto& trace : traces) trace->dropped_to_tell = std::exchange(trace->dropped_now, 0);
    for (const auto& trace : closing) trace->last_words = trace->why;
    lock.unlock();
    for (const State::Entry& entry : queue) entry.trace->Write(entry.line);
    WriteBatch(traces);
    lock.lock();
    for (const auto& trace : traces) {
      trace->view.lines = trace->lines;
      trace->view.bytes = trace->file.bytes();
      trace->is_full = trace->full;
      trace->has_failed = trace->file.failed();
    }
  }
}

// What comes behind a trace's lines.
void Traces::WriteBatch(const std::vector<std::shared_ptr<Running>>& traces) const {
  for (const auto& trace : traces) {
    const std::string now = TimeText(clock_.UnixMicros());
    if (const uint64_t dropped = std::exchange(trace->dropped_to_tell, 0); dropped > 0) {
      trace->Write(now + " - - [" + std::to_string(dropped) + " lines dropped]");
    }
    if (trace->last_words.empty()) {
      trace->file.Flush();
      continue;
    }
    trace->file.Write((now + " - - [the trace ends: ").append(trace->last_words).append("]"));
    trace->file.Close();
  }
}

}  // namespace poplar::server
