#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "proxy/handover/program.h"
#include "proxy/io/child_process.h"
#include "proxy/io/process_channel.h"
#include "proxy/server/log.h"
#include "proxy/server/server.h"

namespace poplar::server {

// How another process takes over from this one, seen from this one: it is started and gets ready
// beside it; then this one stops accepting and tells it what it knows; then that one serves. Until
// then nothing is lost: whatever goes wrong, this one goes on as before.
//
// Looked at now and then by the thread that owns the server.
class Upgrade {
 public:
  enum class State : uint8_t {
    kPreparing,   // the new process gets ready
    kTakingOver,  // nobody is accepted for a moment
    kStopping,    // the new process has to end first
    kFailed,      // this one serves as before
    kDone,        // the new one serves
  };
  // Until it is ready.
  static constexpr io::Duration kPatience = std::chrono::seconds(60);
  // From then on.
  static constexpr io::Duration kTakeOverPatience = std::chrono::seconds(10);

  // `on_prepared`: the new process will serve, as far as anybody can tell; the admin endpoint,
  // which may have to say so, is about to close.
  Upgrade(Server& server, Log& log, std::function<void(int pid)> on_prepared)
      : server_(server), log_(log), on_prepared_(std::move(on_prepared)) {}

  void Start(const handover::Program& program, io::Time now);
  State Look(io::Time now);
  State state() const { return state_; }
  // Why it has failed.
  const std::string& failure() const { return failure_; }
  int pid() const { return child_ ? child_->pid() : 0; }
  // Poplar is to stop instead.
  void GiveUp() { Fail("Poplar is to stop"); }

 private:
  io::Result<> Prepare();
  io::Result<> SendSockets();
  io::Result<> SendAll(const std::vector<std::string>& frames);
  void Listen();
  void OnPrepared(io::Time now);
  void Fail(std::string why);
  void GoOn();

  Server& server_;
  Log& log_;
  const std::function<void(int pid)> on_prepared_;
  State state_ = State::kPreparing;
  io::Time deadline_{};
  std::optional<io::ChildProcess> child_;
  io::ProcessChannel channel_;
  bool suspended_ = false;
  bool prepared_ = false;  // says the new process
  std::string failure_;
};

}  // namespace poplar::server
