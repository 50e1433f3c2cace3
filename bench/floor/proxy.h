#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "bench/floor/kept_nodes.h"
#include "bench/floor/tls.h"

struct io_uring;
struct io_uring_cqe;
struct io_uring_sqe;

namespace poplar::bench {

// The least that a proxy which ends TLS can do for a session: accept, shake hands, connect to the
// node, carry bytes, close. One thread, a bare ring; it understands nothing, bounds nothing and
// waits forever: a measure, not a server.
//
// `parked`: the node's connection is one that is kept, logged in, from an earlier session of the
// user; greeting, USER, PASS and QUIT are then answered without the node.
class FloorProxy {
 public:
  FloorProxy(int listening, const sockaddr_in& node, SSL_CTX& context, bool parked);
  ~FloorProxy();

  // Until the process is ended.
  void Run();

 private:
  enum Kind : uint64_t { kAccept, kConnect, kFromClient, kToClient, kFromNode, kToNode, kCancel };
  struct Session;

  io_uring_sqe& Entry(Session* session, Kind kind);
  void Dispatch(const io_uring_cqe& completion);
  void OnAccept(int client);
  void OnConnected(Session& session);
  void OnFromClient(Session& session, int size);
  void ShakeHands(Session& session);
  void OpenRecord(Session& session);
  void OnFromNode(Session& session, int size);
  void ConnectToNode(Session& session);
  void ReceiveFromClient(Session& session);
  void ReceiveFromNode(Session& session);
  // What is received ends with -ECANCELED, if nothing has come.
  void CancelFromNode(Session& session);
  void SendToNode(Session& session, std::string_view bytes);
  // What TLS has ready, unless something is on its way.
  void SendToClient(Session& session);
  void End(Session& session);
  void Close(Session& session);

  // proxy_parked.cc
  void Greet(Session& session);
  void OnCommands(Session& session, std::string_view plaintext);
  void OnLogin(Session& session, std::string_view plaintext);
  void OnPass(Session& session);
  // The node has answered all that it was asked.
  void Leave(Session& session);
  void OnLeaving(Session& session, Kind kind, int result);
  void Say(Session& session, std::string_view line);

  std::unique_ptr<io_uring> ring_;
  const int listening_;
  const sockaddr_in node_;
  SSL_CTX& context_;
  const bool parked_;
  KeptNodes kept_;
};

}  // namespace poplar::bench
