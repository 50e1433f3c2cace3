#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <memory>

#include "bench/floor/tls.h"

struct io_uring;
struct io_uring_cqe;
struct io_uring_sqe;

namespace poplar::bench {

// The least that a proxy which ends TLS can do for a session: accept, shake hands, connect to the
// node, carry bytes, close. One thread, a bare ring; it understands nothing, bounds nothing and
// waits forever: a measure, not a server.
class FloorProxy {
 public:
  FloorProxy(int listening, const sockaddr_in& node, SSL_CTX& context);
  ~FloorProxy();

  // Until the process is ended.
  void Run();

 private:
  enum Kind : uint64_t { kAccept, kConnect, kFromClient, kToClient, kFromNode, kToNode };
  struct Session;

  io_uring_sqe& Entry(Session* session, Kind kind);
  void Dispatch(const io_uring_cqe& completion);
  void OnAccept(int client);
  void OnConnected(Session& session);
  void OnFromClient(Session& session, int size);
  void OnFromNode(Session& session, int size);
  void ReceiveFromClient(Session& session);
  void ReceiveFromNode(Session& session);
  // What TLS has ready, unless something is on its way.
  void SendToClient(Session& session);
  void End(Session& session);

  std::unique_ptr<io_uring> ring_;
  const int listening_;
  const sockaddr_in node_;
  SSL_CTX& context_;
};

}  // namespace poplar::bench
