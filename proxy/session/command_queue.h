#pragma once

#include <absl/container/inlined_vector.h>

#include <cassert>
#include <cstdint>
#include <optional>
#include <string_view>

#include "proxy/io/clock.h"
#include "proxy/pop3/command.h"
#include "proxy/pop3/limits.h"
#include "proxy/session/end_reason.h"

namespace poplar::session {

// A command that waits for its answer.
struct PendingCommand {
  pop3::Verb verb = pop3::Verb::kUnknown;
  bool multi_line = false;
  bool retrieves = false;         // a whole message: RETR, or the TOP that fetchmail uses for it
  std::optional<EndReason> ends;  // the session ends with this answer
  const std::string_view* own_reply =
      nullptr;  // answered by Poplar in its turn; one of pop3's constants
  io::Time sent{};
};

// The commands under way, in the order in which their answers must reach the client (RFC 2449
// section 6.6). Bounded by pop3::kCommandsInFlightMax; a session with few of them allocates
// nothing, and gives back what a burst took.
class CommandQueue {
 public:
  bool empty() const { return first_ == pending_.size(); }
  bool full() const { return size() >= pop3::kCommandsInFlightMax; }
  size_t size() const { return pending_.size() - first_; }

  void Push(const PendingCommand& command) {
    assert(!full());
    pending_.push_back(command);
  }
  const PendingCommand& front() const { return pending_[first_]; }
  void Pop() {
    assert(!empty());
    ++first_;
    if (!empty() && first_ < pop3::kCommandsInFlightMax) return;
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(first_));
    first_ = 0;
    if (pending_.empty()) pending_.shrink_to_fit();
  }

 private:
  absl::InlinedVector<PendingCommand, 2> pending_;
  size_t first_ = 0;  // those before it are answered
};

}  // namespace poplar::session
