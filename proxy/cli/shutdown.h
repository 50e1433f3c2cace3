#pragma once

#include <optional>
#include <vector>

#include "proxy/config/drain_config.h"
#include "proxy/io/clock.h"

namespace poplar::cli {

// From the word that this process is to end until its last session has ended; what is due when, and
// no more: no signals, no server, no clock of its own.
//
//   word      Announce      not ready any more, but still serving whoever comes
//   + delay   StopAccepting; silent clients leave (idle_grace), others are served
//   + timeout EndSessions   each at its next command boundary
//   2nd word  Abort         all at once, whatever was due
class Shutdown {
 public:
  enum class Step : uint8_t { kAnnounce, kStopAccepting, kEndSessions, kAbort };

  Shutdown(const config::DrainConfig& rules, io::Time word);
  // Another process has taken over: there is nobody to wait for with the listeners open.
  static Shutdown AfterHandOver(config::DrainConfig rules, io::Time now);

  // The word comes once more.
  void Hurry() { hurried_ = true; }
  // In their order, each once.
  std::vector<Step> Due(io::Time now);

 private:
  const io::Time stops_accepting_;
  const io::Time ends_sessions_;
  std::optional<Step> last_;
  bool hurried_ = false;
};

}  // namespace poplar::cli
