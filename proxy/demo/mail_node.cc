#include "proxy/demo/mail_node.h"

#include <cassert>
#include <utility>

#include "proxy/demo/mail_session.h"
#include "proxy/demo/service_model.h"
#include "proxy/io/socket_stream.h"

namespace poplar::demo {
namespace {

// After an accept that failed (out of descriptors or memory), so that the loop doesn't spin.
constexpr io::Duration kAcceptPause = std::chrono::milliseconds(100);

}  // namespace

MailNode::MailNode(io::Proactor& proactor, MailStore& store, MailNodeOptions options)
    : proactor_(proactor), store_(store), options_(std::move(options)), scope_(proactor.ready()) {}

MailNode::~MailNode() { assert(open_.empty() && listeners_.empty()); }

io::Result<io::Address> MailNode::Listen(const io::Address& address) {
  assert(!stopped_);
  io::ListenOptions options;
  options.reuse_port = false;
  const io::Result<io::SocketId> listener = proactor_.Listen(address, options);
  if (!listener) return tl::unexpected(listener.error());
  listeners_.push_back(*listener);
  scope_.Spawn(AcceptFrom(*listener));
  return proactor_.LocalAddress(*listener);
}

io::Task<void> MailNode::AcceptFrom(io::SocketId listener) {
  while (!stopped_) {
    const io::Result<io::Accepted> accepted = co_await proactor_.Accept(listener);
    if (accepted) {
      scope_.Spawn(Serve(std::make_unique<io::SocketStream>(proactor_, accepted->socket)));
    } else if (!stopped_) {
      co_await proactor_.Sleep(kAcceptPause);
    }
  }
  listeners_.remove(listener);
  proactor_.Close(listener);
}

io::Task<void> MailNode::Serve(std::unique_ptr<io::Stream> stream) {
  if (stopped_) co_return;
  ++counters_.connections;
  const auto entry = open_.insert(open_.end(), stream.get());
  {
    MailSession session(proactor_, store_, options_, counters_, *stream);
    co_await session.Run();
  }
  open_.erase(entry);
}

void MailNode::Stop() {
  if (std::exchange(stopped_, true)) return;
  if (options_.service != nullptr) options_.service->Stop();
  for (const io::SocketId listener : listeners_) proactor_.Abort(listener);
  for (io::Stream* stream : open_) stream->Abort();
}

}  // namespace poplar::demo
