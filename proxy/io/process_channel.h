#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/io/clock.h"
#include "proxy/io/descriptor.h"

namespace poplar::io {

// A line between two processes of one machine that keeps messages apart and carries descriptors.
// Sending and receiving block, each with a patience of its own: never on a worker. One thread may
// send while another receives; Shutdown may come from any.
class ProcessChannel {
 public:
  static constexpr size_t kMessageBytesMax = size_t{64} * 1024;
  static constexpr size_t kDescriptorsMax = 64;  // a message; the kernel takes 253

  struct Message {
    std::string bytes;
    std::vector<Descriptor> descriptors;
  };

  // Both ends.
  static Result<std::pair<ProcessChannel, ProcessChannel>> Open();
  ProcessChannel() = default;
  explicit ProcessChannel(Descriptor end) : end_(std::move(end)) {}

  int descriptor() const { return end_.get(); }
  explicit operator bool() const { return static_cast<bool>(end_); }

  // ETIMEDOUT: the other end takes nothing. EPIPE: it is gone.
  Result<> Send(std::string_view bytes, Duration patience,
                const std::vector<int>& descriptors = {}) const;
  // ETIMEDOUT: nothing has come. EPIPE: the other end is gone. EMSGSIZE: the message is too long.
  Result<Message> Receive(Duration patience) const;
  // Whether the other end is gone, or has shut it down. Doesn't block.
  bool ended() const;
  // Ends whatever blocks, here and at the other end.
  void Shutdown() const;

 private:
  Descriptor end_;
};

}  // namespace poplar::io
