// A session with --parked: what the floor says to the client itself, around what it relays.
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "bench/floor/session.h"

namespace poplar::bench {
namespace {

constexpr std::string_view kGreeting = "+OK ready\r\n";
constexpr std::string_view kUserTaken = "+OK\r\n";
constexpr std::string_view kLoggedIn = "+OK logged in\r\n";
constexpr std::string_view kBye = "+OK bye\r\n";

}  // namespace

// The library sends its ticket with the first bytes that are written: both are one packet.
void FloorProxy::Greet(Session& session) {
  session.stage = Session::Stage::kLogin;
  Say(session, kGreeting);
  ReceiveFromClient(session);
}

// A QUIT among other commands, or before they are answered, is the node's to answer.
void FloorProxy::OnCommands(Session& session, std::string_view plaintext) {
  if (session.stage == Session::Stage::kLogin) return OnLogin(session, plaintext);
  if (plaintext == ClientLogin::kQuit && !session.asked) return Leave(session);
  SendToNode(session, plaintext);
}

void FloorProxy::OnLogin(Session& session, std::string_view plaintext) {
  session.login.Feed(plaintext);
  for (;;) {
    switch (session.login.Next()) {
      case ClientLogin::Step::kUser:
        Say(session, kUserTaken);
        continue;
      case ClientLogin::Step::kPass:
        return OnPass(session);
      case ClientLogin::Step::kQuit:
        return Leave(session);
      case ClientLogin::Step::kWantsMore:
        return ReceiveFromClient(session);
      case ClientLogin::Step::kFailed:
        return End(session);
    }
  }
}

void FloorProxy::OnPass(Session& session) {
  session.node = kept_.Take(session.login.name(), session.login.line());
  if (session.node < 0) return End(session);
  session.stage = Session::Stage::kRelay;
  Say(session, kLoggedIn);
  ReceiveFromNode(session);
  const std::string_view rest = session.login.rest();
  if (rest.empty()) return ReceiveFromClient(session);
  SendToNode(session, rest);
}

void FloorProxy::Leave(Session& session) {
  session.stage = Session::Stage::kLeaving;
  if (session.node >= 0) CancelFromNode(session);
  session.tls.Seal(kBye);
  session.tls.CloseNotify();
  SendToClient(session);
  if (!session.tls.fed()) ReceiveFromClient(session);  // else its close_notify has come already
}

void FloorProxy::OnLeaving(Session& session, Kind kind, int result) {
  if (kind == kFromNode && result == -ECANCELED)
    kept_.Keep(session.login.name(), std::exchange(session.node, -1));
  if (kind == kToClient) {
    session.sending = false;
    SendToClient(session);  // the last word may have had to wait
    if (!session.sending) shutdown(session.client, SHUT_WR);
  }
  if (session.in_flight == 0) Close(session);
}

void FloorProxy::Say(Session& session, std::string_view line) {
  session.tls.Seal(line);
  SendToClient(session);
}

}  // namespace poplar::bench
