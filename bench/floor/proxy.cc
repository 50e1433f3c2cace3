#include "bench/floor/proxy.h"

#include <liburing.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "bench/floor/session.h"

namespace poplar::bench {
namespace {

constexpr unsigned kEntries = 1024;
constexpr unsigned kCompletionsAtOnce = 128;
constexpr uint64_t kKinds = 7;

}  // namespace

FloorProxy::FloorProxy(int listening, const sockaddr_in& node, SSL_CTX& context, bool parked)
    : ring_(std::make_unique<io_uring>()),
      listening_(listening),
      node_(node),
      context_(context),
      parked_(parked),
      kept_(node) {
  io_uring_params parameters{};
  parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
  parameters.cq_entries = kEntries * 8;
  const int result = io_uring_queue_init_params(kEntries, ring_.get(), &parameters);
  if (result == 0) return;
  std::fprintf(stderr, "poplar_floor: no ring: %d. It needs Linux 6.1.\n", -result);
  std::exit(1);
}

FloorProxy::~FloorProxy() { io_uring_queue_exit(ring_.get()); }

void FloorProxy::Run() {
  io_uring_prep_multishot_accept(&Entry(nullptr, kAccept), listening_, nullptr, nullptr,
                                 SOCK_CLOEXEC);
  std::array<io_uring_cqe*, kCompletionsAtOnce> completions;
  for (;;) {
    io_uring_submit_and_wait(ring_.get(), 1);
    const unsigned count =
        io_uring_peek_batch_cqe(ring_.get(), completions.data(), kCompletionsAtOnce);
    for (unsigned i = 0; i < count; ++i) Dispatch(*completions[i]);
    io_uring_cq_advance(ring_.get(), count);
  }
}

io_uring_sqe& FloorProxy::Entry(Session* session, Kind kind) {
  io_uring_sqe* entry = io_uring_get_sqe(ring_.get());
  if (entry == nullptr) {
    io_uring_submit(ring_.get());
    entry = io_uring_get_sqe(ring_.get());
    if (entry == nullptr) std::abort();
  }
  if (session != nullptr) ++session->in_flight;
  // The caller's io_uring_prep_* leaves user_data alone in liburing 2.3.
  io_uring_sqe_set_data64(entry, reinterpret_cast<uintptr_t>(session) | kind);
  return *entry;
}

void FloorProxy::Dispatch(const io_uring_cqe& completion) {
  const auto kind = static_cast<Kind>(completion.user_data & kKinds);
  if (kind == kAccept) return OnAccept(completion.res);
  if (kind == kCancel) return;
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  auto& session = *reinterpret_cast<Session*>(completion.user_data & ~kKinds);
  --session.in_flight;
  if (session.stage == Session::Stage::kLeaving) return OnLeaving(session, kind, completion.res);
  if (session.ending || completion.res < 0 || (completion.res == 0 && kind != kConnect))
    return End(session);
  switch (kind) {
    case kAccept:
    case kCancel:
      return;
    case kConnect:
      return OnConnected(session);
    case kFromClient:
      return OnFromClient(session, completion.res);
    case kFromNode:
      return OnFromNode(session, completion.res);
    case kToNode:
      return ReceiveFromClient(session);
    case kToClient:
      session.sending = false;
      SendToClient(session);
      if (!session.sending && std::exchange(session.node_waits, false)) ReceiveFromNode(session);
      return;
  }
}

void FloorProxy::OnAccept(int client) {
  if (client < 0) return;
  auto* session = new Session(context_);
  session->client = client;
  ReceiveFromClient(*session);
}

void FloorProxy::OnFromClient(Session& session, int size) {
  session.tls.Feed({session.from_client.data(), static_cast<size_t>(size)});
  if (session.stage == Session::Stage::kHandshake) return ShakeHands(session);
  OpenRecord(session);
}

void FloorProxy::OpenRecord(Session& session) {
  size_t got = 0;
  const FloorTls::Progress progress =
      session.tls.Open(session.to_node.data(), session.to_node.size(), got);
  if (progress == FloorTls::Progress::kFailed) return End(session);
  if (got == 0) return ReceiveFromClient(session);
  const std::string_view plaintext(session.to_node.data(), got);
  if (parked_) return OnCommands(session, plaintext);
  SendToNode(session, plaintext);
}

void FloorProxy::ShakeHands(Session& session) {
  const FloorTls::Progress progress = session.tls.Handshake();
  if (progress == FloorTls::Progress::kFailed) return End(session);
  const bool done = progress == FloorTls::Progress::kDone;
  if (done && parked_) return Greet(session);
  SendToClient(session);
  if (!done) return ReceiveFromClient(session);
  ConnectToNode(session);
}

void FloorProxy::ConnectToNode(Session& session) {
  session.stage = Session::Stage::kRelay;
  session.node = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  const int on = 1;
  setsockopt(session.node, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  io_uring_prep_connect(&Entry(&session, kConnect), session.node,
                        reinterpret_cast<const sockaddr*>(&node_), sizeof(node_));
}

void FloorProxy::OnConnected(Session& session) {
  ReceiveFromNode(session);
  ReceiveFromClient(session);
}

void FloorProxy::OnFromNode(Session& session, int size) {
  session.asked = false;
  if (!session.tls.Seal({session.from_node.data(), static_cast<size_t>(size)})) return End(session);
  session.node_waits = true;
  SendToClient(session);
}

void FloorProxy::ReceiveFromClient(Session& session) {
  if (session.tls.fed()) return OpenRecord(session);  // came with the one before
  io_uring_prep_recv(&Entry(&session, kFromClient), session.client, session.from_client.data(),
                     session.from_client.size(), 0);
}

void FloorProxy::ReceiveFromNode(Session& session) {
  io_uring_prep_recv(&Entry(&session, kFromNode), session.node, session.from_node.data(),
                     session.from_node.size(), 0);
}

void FloorProxy::CancelFromNode(Session& session) {
  io_uring_sqe& entry = Entry(nullptr, kCancel);
  io_uring_prep_cancel64(&entry, reinterpret_cast<uintptr_t>(&session) | kFromNode, 0);
  io_uring_sqe_set_flags(&entry, IOSQE_CQE_SKIP_SUCCESS);
}

void FloorProxy::SendToNode(Session& session, std::string_view bytes) {
  session.asked = true;
  io_uring_prep_send(&Entry(&session, kToNode), session.node, bytes.data(), bytes.size(),
                     MSG_NOSIGNAL | MSG_WAITALL);
}

void FloorProxy::SendToClient(Session& session) {
  if (session.sending || session.tls.out().empty()) return;
  session.on_its_way.swap(session.tls.out());
  session.tls.out().clear();
  session.sending = true;
  // The last word waits for the end, and is one packet with it.
  const int more = session.stage == Session::Stage::kLeaving ? MSG_MORE : 0;
  io_uring_prep_send(&Entry(&session, kToClient), session.client, session.on_its_way.data(),
                     session.on_its_way.size(), MSG_NOSIGNAL | MSG_WAITALL | more);
}

// Shut down, so that what is still in flight comes back; whoever comes back last frees it.
void FloorProxy::End(Session& session) {
  if (!session.ending) {
    session.ending = true;
    shutdown(session.client, SHUT_RDWR);
    if (session.node >= 0) shutdown(session.node, SHUT_RDWR);
  }
  if (session.in_flight == 0) Close(session);
}

void FloorProxy::Close(Session& session) {
  close(session.client);
  if (session.node >= 0) close(session.node);
  delete &session;
}

}  // namespace poplar::bench
