#include "proxy/trace/traced_stream.h"

#include <string>
#include <utility>

namespace poplar::trace {

io::Task<io::Result<io::Buffer>> TracedStream::Read() {
  io::Result<io::Buffer> read = co_await inner_->Read();
  OnRead(read);
  co_return std::move(read);
}

// Ahead of the write: the answer to it may come before we learn that it is done.
io::Task<io::Result<>> TracedStream::Write(std::string_view bytes) {
  for (const auto& tap : taps_) {
    pop3::Transcript& transcript = tap->transcript();
    peer_ == Peer::kClient ? transcript.FromServer(bytes) : transcript.FromClient(bytes);
  }
  io::Result<> written = co_await inner_->Write(bytes);
  if (!written) OnPeerLost(written.error());
  co_return written;
}

io::Task<io::Result<>> TracedStream::ShutdownWrite() {
  for (const auto& tap : taps_) tap->Note("Poplar ends it");
  return inner_->ShutdownWrite();
}

void TracedStream::OnRead(const io::Result<io::Buffer>& read) {
  if (!read) return OnPeerLost(read.error());
  for (const auto& tap : taps_) {
    pop3::Transcript& transcript = tap->transcript();
    if (read->empty()) {
      tap->Note(peer_ == Peer::kClient ? "the client ends it" : "the node ends it");
    } else if (peer_ == Peer::kClient) {
      transcript.FromClient(read->bytes());
    } else {
      transcript.FromServer(read->bytes());
    }
  }
}

void TracedStream::OnPeerLost(const io::Error& error) {
  if (error.cancelled()) return;
  const std::string who = peer_ == Peer::kClient ? "the client" : "the node";
  for (const auto& tap : taps_) tap->Note(who + " is lost: " + error.Text());
}

}  // namespace poplar::trace
