#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <span>
#include <vector>

#include "proxy/io/frame_allocator.h"
#include "proxy/pop3/limits.h"
#include "proxy/session/pending_command.h"

namespace poplar::session {

// The commands under way, in the order in which their answers must reach the client (RFC 2449
// section 6.6). Bounded by pop3::kCommandsInFlightMax; one without any takes no memory.
class CommandQueue {
 public:
  bool empty() const { return first_ == pending_.size(); }
  // Beyond that there is room for one command of Poplar's own.
  bool full() const { return size() >= pop3::kCommandsInFlightMax; }
  size_t size() const { return pending_.size() - first_; }

  void Push(const PendingCommand& command) {
    assert(size() <= pop3::kCommandsInFlightMax);
    if (pending_.empty()) pending_.reserve(2);
    pending_.push_back(command);
  }
  const PendingCommand& front() const { return pending_[first_]; }
  PendingCommand& front() { return pending_[first_]; }
  std::span<PendingCommand> all() { return std::span(pending_).subspan(first_); }
  std::span<const PendingCommand> all() const { return std::span(pending_).subspan(first_); }

  void Pop() {
    assert(!empty());
    ++first_;
    if (!empty() && first_ < pop3::kCommandsInFlightMax) return;
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(first_));
    first_ = 0;
    if (pending_.empty()) pending_.shrink_to_fit();
  }
  // Those that Poplar asked itself, for when they are of no more use.
  void DropHidden() {
    const auto hidden = [](const PendingCommand& command) { return command.hidden; };
    pending_.erase(
        std::remove_if(pending_.begin() + static_cast<ptrdiff_t>(first_), pending_.end(), hidden),
        pending_.end());
  }

 private:
  std::vector<PendingCommand, io::FrameAllocator<PendingCommand>> pending_;
  size_t first_ = 0;  // those before it are answered
};

}  // namespace poplar::session
