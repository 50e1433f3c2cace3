#include "tests/unit/proxy/upstream/driven_peer.h"

#include <utility>

namespace poplar::upstream {

DrivenPeer::DrivenPeer(simulation::SimProactor& machine, io::SocketId socket)
    : machine_(machine),
      socket_(socket),
      stream_(machine, socket),
      scope_(machine.ready()),
      more_(machine.ready()),
      go_on_(machine.ready()) {
  Begin();
}

DrivenPeer::DrivenPeer(simulation::SimProactor& machine, const io::Address& to)
    : machine_(machine),
      socket_(*machine.OpenSocket(to.family())),
      stream_(machine, socket_),
      scope_(machine.ready()),
      more_(machine.ready()),
      go_on_(machine.ready()) {
  scope_.Spawn(Dial(to));
}

io::Task<void> DrivenPeer::Dial(io::Address to) {
  const io::Result<> connected = co_await stream_.Connect(to);
  if (connected) {
    Begin();
  } else {
    end_ = End::kReset;
  }
}

void DrivenPeer::Begin() {
  connected_ = true;
  scope_.Spawn(ReadAll());
  scope_.Spawn(WriteAll());
}

io::Task<void> DrivenPeer::ReadAll() {
  while (end_ == End::kOpen) {
    while (!reading_ && !shut_) co_await go_on_.Wait();
    const io::Result<io::Buffer> chunk = co_await stream_.Read();
    if (!chunk) {
      end_ = chunk.error().cancelled() ? End::kOurs : End::kReset;
    } else if (chunk->empty()) {
      end_ = End::kOrderly;
    } else {
      OnBytes(chunk->bytes());
    }
  }
}

io::Task<void> DrivenPeer::WriteAll() {
  for (bool open = true; open && !shut_;) {
    if (!outgoing_.empty()) {
      const std::string bytes = std::move(outgoing_.front());
      outgoing_.pop_front();
      const io::Result<> written = co_await stream_.Write(bytes);
      open = written.has_value();
    } else if (half_close_) {
      co_await stream_.ShutdownWrite();
      open = false;
    } else {
      co_await more_.Wait();
    }
  }
}

void DrivenPeer::OnBytes(std::string_view bytes) {
  received_.append(bytes);
  line_.append(bytes);
  for (size_t end = 0; (end = line_.find('\n')) != std::string::npos;) {
    std::string line = line_.substr(0, end);
    line_.erase(0, end + 1);
    if (line.ends_with('\r')) line.pop_back();
    if (on_line_) on_line_(line);
  }
}

void DrivenPeer::Send(std::string_view bytes) {
  outgoing_.emplace_back(bytes);
  more_.Signal();
}

void DrivenPeer::HalfClose() {
  half_close_ = true;
  more_.Signal();
}

void DrivenPeer::GoOnReading() {
  reading_ = true;
  go_on_.Signal();
}

void DrivenPeer::Reset() {
  shut_ = true;
  machine_.Reset(socket_);
  more_.Signal();
  go_on_.Signal();
}

void DrivenPeer::Shut() {
  if (std::exchange(shut_, true)) return;
  stream_.Abort();
  more_.Signal();
  go_on_.Signal();
}

}  // namespace poplar::upstream
