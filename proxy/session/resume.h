#pragma once

#include <memory>
#include <optional>

#include "balancer/canonical_user.h"
#include "proxy/session/login.h"
#include "proxy/session/meter.h"
#include "proxy/session/patience.h"
#include "proxy/session/relay.h"
#include "proxy/tls/sealer.h"

namespace poplar::session {

// A session that lost its node gets another session of the same maildrop: logs in by the rules of
// any login, finds the client's messages in the new listing, and marks those again that the client
// had marked. Tries until the deadline: the next node may die as well. Read Run first.
class Resume {
 public:
  struct Request {
    upstream::Cluster& cluster;
    Whereabouts where;  // in it
    const balancer::CanonicalUser& user;
    const tls::SealedSecret& credential;  // as SealCredential made it
    Relay& relay;                         // between two of its runs
    io::Duration pause;                   // before the first try
    io::Time deadline;
    const upstream::ClientOrigin* origin = nullptr;  // as for Login
    std::string_view own_node = {};                  // the name that where.node had at login
    std::optional<balancer::Moves::Turn> turn = {};  // as for Login
    std::shared_ptr<balancer::Moves> moves = {};     // whose turn it is
    Tracing* tracing = nullptr;                      // likewise
  };

  // All outlive it. `settings`: the session's own.
  Resume(Environment& environment, const std::shared_ptr<const Settings>& settings,
         const Request& request, Patience& patience);

  io::Task<ResumeResult> Run();

  // With kResumed.
  NodeSession& session() { return session_; }
  balancer::NodeId node_id() const { return node_; }
  std::string_view node_name() const { return scratch_.node; }

  // Makes Run return soon.
  void Abort();
  void LookAtNode(balancer::NodeId node) {
    if (login_ != nullptr) login_->LookAtNode(node);
  }

 private:
  io::Task<std::optional<ResumeResult>> Pause(io::Duration pause);
  io::Task<std::optional<ResumeResult>> Try();
  io::Task<std::optional<ResumeResult>> LogIn();
  Whereabouts Where(const Settings& settings) const;
  std::optional<balancer::Moves::Turn> TurnBy(const Settings& settings) const;
  io::Task<std::optional<ResumeResult>> FindMessages();
  void TellHealth(upstream::NodeFailure failure);
  bool over() const { return late_ || aborted_; }

  Environment& environment_;
  const std::shared_ptr<const Settings>& settings_;
  const Request request_;
  Patience& patience_;
  Record scratch_;  // what the logins say of themselves is not the session's own login
  io::Timer deadline_;
  Login* login_ = nullptr;  // while it runs
  NodeSession session_;
  balancer::NodeId node_{};
  bool late_ = false;
  bool aborted_ = false;
};

// How long to wait before a session is resumed that has lost a node so many times since its client
// last got a byte.
io::Duration PauseAfter(EndReason loss, int losses);

// Nothing where the client would have to be asked again.
tls::SealedSecret SealCredential(const tls::Sealer& sealer, const pop3::Credential& credential);

}  // namespace poplar::session
