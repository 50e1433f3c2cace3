#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "balancer/affinity.h"
#include "proxy/io/proactor.h"
#include "proxy/io/task_scope.h"
#include "proxy/pop3/authorization.h"
#include "proxy/session/client_input.h"
#include "proxy/session/meter.h"
#include "proxy/session/record.h"
#include "proxy/session/relay.h"
#include "proxy/session/settings.h"
#include "proxy/upstream/connection.h"

namespace poplar::session {

// What a worker lends to its sessions. All of it outlives them.
struct Environment {
  io::Proactor& proactor;
  io::TaskScope& scope;  // for connections that are being given up
  balancer::Affinity& affinity;
  SessionLog& log;
  Meter& meter;
};

// A client's connection from the accepted socket to its end. Read session.cc from top to bottom.
//
// One coroutine, one thread. It ends by its own returns only: Drain and Abort make whatever it
// waits for come back.
class Session {
 public:
  Session(Environment& environment, std::shared_ptr<const Settings> settings,
          const ListenerSettings& listener, const io::Accepted& accepted);
  ~Session();

  io::Task<void> Run();

  // To be ended at the next command boundary with -ERR [SYS/TEMP].
  void Drain();
  // To be ended now.
  void Abort();

 private:
  // What the client has been told.
  enum class LoginStep : uint8_t { kLoggedIn, kRefused, kUnavailable };

  POPLAR_OWN_FRAME io::Task<bool> Handshake();
  POPLAR_OWN_FRAME io::Task<bool> Authorize();
  io::Task<bool> ReadMore();
  io::Task<bool> Perform(pop3::Authorization& dialogue, pop3::Authorization::Step step);
  io::Task<LoginStep> LogIn(std::string_view user, pop3::Secret password);
  io::Task<upstream::NodeError> Reach(const balancer::Candidates& candidates);
  io::Task<LoginStep> Authenticate(std::string_view user, const pop3::Secret& password);
  io::Task<LoginStep> Unavailable(LoginResult result, const upstream::NodeError& error);
  POPLAR_OWN_FRAME io::Task<void> RelayMail();
  POPLAR_OWN_FRAME io::Task<void> Close();
  io::Task<void> Linger();

  io::Task<bool> Say(std::string_view line);
  void End(EndReason reason);
  void GiveUpUpstream(bool politely);
  void NoteStages();
  const upstream::Endpoint& EndpointOf(balancer::NodeId node) const;

  Environment& environment_;
  io::Proactor& proactor_;
  const std::shared_ptr<const Settings> settings_;
  const ListenerSettings& listener_;

  std::unique_ptr<io::Stream> client_;
  std::unique_ptr<upstream::Connection> upstream_;
  balancer::Affinity::Lease lease_;
  ClientInput input_;
  Relay* relay_ = nullptr;  // while it runs
  Record record_;

  std::string_view farewell_;
  bool ended_ = false;
  bool abrupt_ = false;
  bool draining_ = false;
  bool reading_command_ = false;  // before login; Drain may cut in
  bool node_was_unavailable_ = false;
  bool counted_on_node_ = false;
  io::Time login_begun_{};
};

}  // namespace poplar::session
