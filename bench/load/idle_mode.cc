#include "bench/load/idle_mode.h"

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "bench/load/latency_histogram.h"
#include "bench/load/load_users.h"
#include "bench/load/process_memory.h"
#include "bench/load/progress.h"
#include "bench/load/runtime.h"
#include "proxy/io/task_scope.h"

namespace poplar::bench {
namespace {

double Mebibytes(uint64_t bytes) { return static_cast<double>(bytes) / (1024.0 * 1024.0); }
double Millis(io::Duration duration) { return io::Seconds(duration) * 1000; }

struct Reading {
  std::optional<ProcessMemory> memory;
  SocketMemory sockets;
};

class IdleRun {
 public:
  IdleRun(io::Proactor& proactor, const IdleSettings& settings)
      : proactor_(proactor), settings_(settings), clients_(settings.sessions) {}

  io::Task<void> Run() {
    const Reading before = Read("before the first session");
    const io::Time begin = proactor_.Now();
    co_await InParallel("opening", &IdleRun::OpenSome);
    opening_ = proactor_.Now() - begin;
    PrintOpening();
    std::fprintf(stderr, "  holding %llu sessions idle for %.0f s\n",
                 static_cast<unsigned long long>(held_), io::Seconds(settings_.hold));
    co_await proactor_.Sleep(settings_.hold);
    const Reading idle = Read("all idle");
    co_await InParallel("logging out", &IdleRun::CloseSome);
    std::printf("alive after the hold, and logged out in order: %llu of %llu\n",
                static_cast<unsigned long long>(ended_well_),
                static_cast<unsigned long long>(held_));
    co_await proactor_.Sleep(settings_.settle);
    const Reading after = Read("after the logout");
    if (!first_failure_.empty()) std::printf("first failure: %s\n", first_failure_.c_str());
    PrintPerSession(before, idle, after);
  }

  bool good() const { return held_ == settings_.sessions && ended_well_ == held_; }

 private:
  io::Task<void> InParallel(const char* what, io::Task<void> (IdleRun::*worker)()) {
    next_ = 0;
    done_ = 0;
    const Progress progress(proactor_, what, done_, settings_.sessions);
    io::TaskScope scope(proactor_.ready());
    for (unsigned i = 0; i < settings_.opening_at_once; ++i) scope.Spawn((this->*worker)());
    co_await scope.Empty();
  }

  io::Task<void> OpenSome() {
    while (next_ < settings_.sessions) {
      const unsigned index = next_++;
      auto client = std::make_unique<Pop3Client>(proactor_, settings_.target);
      const io::Time begin = proactor_.Now();
      const bool connected = co_await client->Connect();
      const bool in =
          connected && co_await client->LogIn(LoadUser(index % settings_.users), kLoadPassword);
      ++done_;
      if (connected) handshakes_.Add(client->handshake_time());
      if (in) {
        logins_.Add(proactor_.Now() - begin);
        ++held_;
        clients_[index] = std::move(client);
      } else {
        NoteFailure(*client);
      }
    }
  }

  io::Task<void> CloseSome() {
    while (next_ < settings_.sessions) {
      const unsigned index = next_++;
      ++done_;
      std::unique_ptr<Pop3Client> client = std::move(clients_[index]);
      if (client == nullptr) continue;
      const bool alive = co_await client->Command("STAT");
      const bool ended = alive && co_await client->Quit();
      if (ended) {
        ++ended_well_;
      } else {
        NoteFailure(*client);
      }
    }
  }

  void NoteFailure(const Pop3Client& client) {
    if (first_failure_.empty()) first_failure_ = client.failure();
  }

  Reading Read(const char* stage) const {
    Reading reading{std::nullopt, ReadSocketMemory()};
    if (settings_.processes.empty()) return reading;
    reading.memory = ReadMemory(settings_.processes);
    if (!reading.memory) {
      std::printf("%-26s memory cannot be read: a process is gone, or not ours\n", stage);
      return reading;
    }
    std::printf("%-26s PSS %8.1f MiB   RSS %8.1f MiB   anonymous %8.1f MiB\n", stage,
                Mebibytes(reading.memory->proportional), Mebibytes(reading.memory->resident),
                Mebibytes(reading.memory->anonymous));
    std::fflush(stdout);
    return reading;
  }

  void PrintOpening() const {
    std::printf(
        "held at once: %llu of %u sessions, opened in %.1f s: %.0f handshakes and logins a "
        "second\n",
        static_cast<unsigned long long>(held_), settings_.sessions, io::Seconds(opening_),
        static_cast<double>(held_) / io::Seconds(opening_));
    std::printf(
        "TLS handshake p50 %.1f ms, p99 %.1f ms; connect to logged in p50 %.1f ms, p99 %.1f ms\n",
        Millis(handshakes_.Percentile(0.5)), Millis(handshakes_.Percentile(0.99)),
        Millis(logins_.Percentile(0.5)), Millis(logins_.Percentile(0.99)));
    std::fflush(stdout);
  }

  void PrintPerSession(const Reading& before, const Reading& idle, const Reading& after) const {
    if (held_ == 0) return;
    const auto per_session = [this](uint64_t bytes) {
      return static_cast<double>(bytes) / 1024.0 / static_cast<double>(held_);
    };
    const auto growth = [](uint64_t from, uint64_t to) { return to > from ? to - from : 0; };
    if (before.memory && idle.memory && after.memory) {
      std::printf(
          "memory per idle session: %.2f KiB all counted (PSS %.1f MiB / %llu); %.2f KiB above the "
          "start\n",
          per_session(idle.memory->proportional), Mebibytes(idle.memory->proportional),
          static_cast<unsigned long long>(held_),
          per_session(growth(before.memory->proportional, idle.memory->proportional)));
      std::printf("still taken after the logout: %.1f MiB above the start\n",
                  Mebibytes(growth(before.memory->proportional, after.memory->proportional)));
    }
    std::printf(
        "kernel, apart (all ends of all loopback connections): TCP sockets %llu, then %llu, then "
        "%llu; "
        "queued %.1f, %.1f, %.1f MiB\n",
        static_cast<unsigned long long>(before.sockets.tcp_sockets),
        static_cast<unsigned long long>(idle.sockets.tcp_sockets),
        static_cast<unsigned long long>(after.sockets.tcp_sockets),
        Mebibytes(before.sockets.tcp_bytes), Mebibytes(idle.sockets.tcp_bytes),
        Mebibytes(after.sockets.tcp_bytes));
  }

  io::Proactor& proactor_;
  const IdleSettings& settings_;
  std::vector<std::unique_ptr<Pop3Client>> clients_;
  unsigned next_ = 0;
  uint64_t done_ = 0;
  uint64_t held_ = 0;
  uint64_t ended_well_ = 0;
  io::Duration opening_{};
  LatencyHistogram handshakes_;
  LatencyHistogram logins_;
  std::string first_failure_;
};

}  // namespace

int RunIdle(const IdleSettings& settings) {
  const std::unique_ptr<Runtime> runtime = Runtime::Create();
  if (runtime == nullptr) return 1;
  IdleRun run(runtime->proactor(), settings);
  runtime->RunToEnd(run.Run());
  return run.good() ? 0 : 1;
}

}  // namespace poplar::bench
