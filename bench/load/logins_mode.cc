#include "bench/load/logins_mode.h"

#include <cstdio>
#include <memory>
#include <string>

#include "bench/load/latency_histogram.h"
#include "bench/load/load_users.h"
#include "bench/load/progress.h"
#include "bench/load/runtime.h"
#include "proxy/io/task_scope.h"

namespace poplar::bench {
namespace {

// After a failure, so that a target that refuses everybody isn't hammered.
constexpr io::Duration kPauseAfterFailure = std::chrono::milliseconds(50);

void PrintRow(const char* what, const LatencyHistogram& histogram) {
  const auto millis = [](io::Duration duration) { return io::Seconds(duration) * 1000; };
  std::printf("%-22s %9.2f %9.2f %9.2f %9.2f %9.2f %9.2f\n", what, millis(histogram.mean()),
              millis(histogram.Percentile(0.5)), millis(histogram.Percentile(0.9)),
              millis(histogram.Percentile(0.99)), millis(histogram.Percentile(0.999)),
              millis(histogram.max()));
}

class LoginsRun {
 public:
  LoginsRun(io::Proactor& proactor, const LoginsSettings& settings)
      : proactor_(proactor), settings_(settings) {}

  io::Task<void> Run() {
    counted_from_ = proactor_.Now() + settings_.warm_up;
    counted_to_ = counted_from_ + settings_.duration;
    const Progress progress(proactor_, "sessions", finished_, 0);
    io::TaskScope scope(proactor_.ready());
    for (unsigned i = 0; i < settings_.connections; ++i) scope.Spawn(Repeat());
    co_await scope.Empty();
  }

  void Print() const {
    const double seconds = io::Seconds(settings_.duration);
    std::printf(
        "%llu sessions in %.0f s with %u at once: %.1f a second, %.1f MiB of mail a second; %llu "
        "failed\n",
        static_cast<unsigned long long>(sessions_.count()), seconds, settings_.connections,
        static_cast<double>(sessions_.count()) / seconds,
        static_cast<double>(body_bytes_) / seconds / (1024.0 * 1024.0),
        static_cast<unsigned long long>(failed_));
    if (failed_ > 0) std::printf("first failure: %s\n", first_failure_.c_str());
    std::printf("%-22s %9s %9s %9s %9s %9s %9s\n", "milliseconds", "mean", "p50", "p90", "p99",
                "p99.9", "max");
    PrintRow("TLS handshake", handshakes_);
    PrintRow("connect to logged in", logins_);
    PrintRow("STAT", stats_);
    PrintRow("RETR", retrievals_);
    PrintRow("whole session", sessions_);
  }

  bool good() const { return failed_ == 0 && sessions_.count() > 0; }

 private:
  struct Times {
    io::Time begin, logged_in, counted, retrieved;
  };

  io::Task<void> Repeat() {
    while (proactor_.Now() < counted_to_) {
      Pop3Client client(proactor_, settings_.target);
      Times times;
      const bool done = co_await Session(client, times);
      ++finished_;
      const io::Time end = proactor_.Now();
      if (!done) {
        ++failed_;
        if (first_failure_.empty()) first_failure_ = client.failure();
        co_await proactor_.Sleep(kPauseAfterFailure);
      } else if (end >= counted_from_ && end < counted_to_) {
        handshakes_.Add(client.handshake_time());
        logins_.Add(times.logged_in - times.begin);
        stats_.Add(times.counted - times.logged_in);
        retrievals_.Add(times.retrieved - times.counted);
        sessions_.Add(end - times.begin);
        body_bytes_ += client.body_bytes();
      }
    }
  }

  io::Task<bool> Session(Pop3Client& client, Times& times) {
    const std::string user = LoadUser(next_user_++ % settings_.users);
    times.begin = proactor_.Now();
    const bool connected = co_await client.Connect();
    if (!connected) co_return false;
    const bool in = co_await client.LogIn(user, kLoadPassword);
    if (!in) co_return false;
    times.logged_in = proactor_.Now();
    const bool counted = co_await client.Command("STAT");
    if (!counted) co_return false;
    times.counted = proactor_.Now();
    const bool retrieved = co_await client.Command("RETR 1", true);
    if (!retrieved) co_return false;
    times.retrieved = proactor_.Now();
    co_return co_await client.Quit();
  }

  io::Proactor& proactor_;
  const LoginsSettings& settings_;
  io::Time counted_from_;
  io::Time counted_to_;
  unsigned next_user_ = 0;
  uint64_t finished_ = 0;
  uint64_t failed_ = 0;
  uint64_t body_bytes_ = 0;
  std::string first_failure_;
  LatencyHistogram handshakes_;
  LatencyHistogram logins_;
  LatencyHistogram stats_;
  LatencyHistogram retrievals_;
  LatencyHistogram sessions_;
};

}  // namespace

int RunLogins(const LoginsSettings& settings) {
  const std::unique_ptr<Runtime> runtime = Runtime::Create();
  if (runtime == nullptr) return 1;
  LoginsRun run(runtime->proactor(), settings);
  runtime->RunToEnd(run.Run());
  run.Print();
  return run.good() ? 0 : 1;
}

}  // namespace poplar::bench
