#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "bench/generator/dialogue.h"
#include "bench/generator/message_journal.h"
#include "bench/generator/reply_counter.h"
#include "bench/generator/tally.h"
#include "bench/generator/wire.h"

namespace poplar::bench {

// One place for sessions, one after the other: each connects, says its dialogue, waits for the
// server to close, and is counted. Driven by its owner's loop; edge-triggered.
class Client {
 public:
  using Time = std::chrono::steady_clock::time_point;
  enum class Progress { kGoesOn, kHeld, kEnded };

  struct Settings {
    sockaddr_storage server;
    ssl_ctx_st* context = nullptr;      // null: in the clear
    bool resume = false;                // offer the ticket of this place's last session
    bool hold = false;                  // after the dialogue the session stays, until Release
    MessageJournal* journal = nullptr;  // of those that count; null: none is kept
  };

  Client(const Settings& settings, Tally& tally) : settings_(settings), tally_(tally) {}

  // `due`: when it was to begin; `counts`: in the report. kEnded: it failed at once.
  Progress Begin(const sockaddr_storage& source, const Dialogue& dialogue, Time due, bool counts,
                 Time now);
  // Its socket can do something.
  Progress OnReady(Time now);
  // Ends a session that is held, with QUIT.
  Progress Release(Time now);
  // Fails it if it has been waiting for too long.
  Progress Look(Time now);

  bool busy() const { return wire_ != nullptr; }
  bool held() const { return state_ == State::kHeld; }
  int descriptor() const { return wire_->descriptor(); }

 private:
  enum class State { kConnecting, kHandshake, kTalking, kHeld, kLeaving };

  Progress Advance(Time now);
  Progress Talk();
  Progress OnAnswered(Time now);
  void BeginStep(size_t index, Time now);
  void MessageCame(Time now);
  Progress Fail(Failure failure);
  Progress End(Time now);
  const Step& step() const { return dialogue_[step_]; }

  const Settings& settings_;
  Tally& tally_;
  TlsTicket ticket_;
  std::unique_ptr<Wire> wire_;
  Dialogue dialogue_;
  ReplyCounter replies_;
  State state_ = State::kConnecting;
  size_t step_ = 0;
  std::string_view unsent_;
  bool counts_ = false;
  bool resumed_ = false;
  Time due_;
  Time begun_;         // of what is under way
  Time last_byte_;     // or the last that was sent
  Time message_from_;  // the last message came, or the session was due
  std::chrono::nanoseconds longest_wait_{};
};

}  // namespace poplar::bench
