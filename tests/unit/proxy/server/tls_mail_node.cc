#include "tests/unit/proxy/server/tls_mail_node.h"

#include "proxy/demo/demo_mail.h"
#include "proxy/io/socket_stream.h"
#include "proxy/tls/stream.h"
#include "proxy/tls/throwaway_certificate.h"
#include "tests/unit/proxy/io/engine_of_tests.h"

namespace poplar::server {

tl::expected<std::unique_ptr<TlsMailNode>, std::string> TlsMailNode::Start() {
  std::unique_ptr<TlsMailNode> node(new TlsMailNode);
  auto proactor = io::OpenProactor(io::EngineOfTests(), node->clock_, node->random_, {});
  if (!proactor) return tl::unexpected(proactor.error().text);
  io::Proactor& world = **proactor;
  node->proactor_ = std::move(*proactor);
  node->tls_ =
      *tls::ServerContext::Create({.certificates_in_memory = {tls::MakeThrowawayCertificate(
                                       node->clock_.UnixMicros() / 1'000'000)}});
  demo::AddDemoMail(node->store_);
  node->node_ =
      std::make_unique<demo::MailNode>(world, node->store_, demo::MailNodeOptions{.name = "tls"});
  node->serving_ = std::make_unique<io::TaskScope>(world.ready());
  node->root_ = std::make_unique<io::TaskScope>(world.ready());
  node->listener_ = *world.Listen(io::Address::Loopback(0), {});
  node->address_ = world.LocalAddress(node->listener_);
  node->serving_->Spawn(node->AcceptAll());
  node->thread_ = std::thread([&world] { world.Run(); });
  return node;
}

TlsMailNode::~TlsMailNode() {
  if (!thread_.joinable()) return;
  proactor_->PostFromAnyThread([this] { root_->Spawn(StopAll()); });
  thread_.join();
}

io::Task<void> TlsMailNode::AcceptAll() {
  for (;;) {
    const io::Result<io::Accepted> accepted = co_await proactor_->Accept(listener_);
    if (!accepted) break;
    serving_->Spawn(Serve(accepted->socket));
  }
  proactor_->Close(listener_);
}

io::Task<void> TlsMailNode::Serve(io::SocketId socket) {
  auto stream = std::make_unique<tls::TlsStream>(
      std::make_unique<io::SocketStream>(*proactor_, socket), tls_->NewConnection(),
      proactor_->buffers(), proactor_->ready());
  const io::Result<> secured = co_await stream->Handshake();
  if (secured) co_await node_->Serve(std::move(stream));
}

// Whoever shakes hands at this moment has been closed by the proxy, which is gone by now.
io::Task<void> TlsMailNode::StopAll() {
  proactor_->Abort(listener_);
  node_->Stop();
  co_await serving_->Empty();
  proactor_->Stop();
}

}  // namespace poplar::server
