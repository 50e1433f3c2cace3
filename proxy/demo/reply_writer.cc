#include "proxy/demo/reply_writer.h"

#include <utility>

#include "proxy/io/deadline.h"

namespace poplar::demo {

io::Task<void> ReplyWriter::Append(std::string_view bytes) {
  if (failed_) co_return;
  if (gathered_.size() + bytes.size() <= kGatheredBytesMax) {
    gathered_.append(bytes);
    co_return;
  }
  co_await Flush();
  if (bytes.size() < kGatheredBytesMax) {
    gathered_.append(bytes);
    co_return;
  }
  while (!bytes.empty() && !failed_) {
    const std::string_view slice = bytes.substr(0, kSliceBytesMax);
    bytes.remove_prefix(slice.size());
    co_await Write(slice);
  }
}

io::Task<void> ReplyWriter::Flush() {
  if (failed_ || gathered_.empty()) co_return;
  const std::string sending = std::exchange(gathered_, std::string());
  co_await Write(sending);
}

io::Task<void> ReplyWriter::Write(std::string_view bytes) {
  io::Deadline deadline(proactor_, timeout_, stream_);
  const io::Result<> written = co_await stream_.Write(bytes);
  if (!written) failed_ = true;
}

}  // namespace poplar::demo
