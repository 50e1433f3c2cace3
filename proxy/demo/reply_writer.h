#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "proxy/io/proactor.h"
#include "proxy/io/stream.h"
#include "proxy/io/task.h"

namespace poplar::demo {

// Gathers replies, so that many go out in one write, and sends long pieces from where they lie. A
// client that doesn't take them within the time is aborted. Holds no memory once flushed.
class ReplyWriter {
 public:
  // Bytes gathered before they are sent.
  static constexpr size_t kGatheredBytesMax = size_t{16} * 1024;
  // Bytes of one write; each has the whole timeout.
  static constexpr size_t kSliceBytesMax = size_t{256} * 1024;

  ReplyWriter(io::Proactor& proactor, io::Stream& stream, io::Duration timeout)
      : proactor_(proactor), stream_(stream), timeout_(timeout) {}

  // `bytes` must stay valid until it returns. After a failure both do nothing.
  io::Task<void> Append(std::string_view bytes);
  io::Task<void> Flush();

  bool failed() const { return failed_; }

 private:
  io::Task<void> Write(std::string_view bytes);

  io::Proactor& proactor_;
  io::Stream& stream_;
  io::Duration timeout_;
  std::string gathered_;
  bool failed_ = false;
};

}  // namespace poplar::demo
