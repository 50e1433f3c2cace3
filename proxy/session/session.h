#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/io/proactor.h"
#include "proxy/io/task_scope.h"
#include "proxy/pop3/authorization.h"
#include "proxy/session/admit.h"
#include "proxy/session/client_input.h"
#include "proxy/session/departure.h"
#include "proxy/session/login.h"
#include "proxy/session/meter.h"
#include "proxy/session/record.h"
#include "proxy/session/relay.h"
#include "proxy/session/resume.h"
#include "proxy/session/session_state.h"
#include "proxy/session/settings.h"
#include "proxy/session/tracing.h"
#include "proxy/upstream/connection.h"

namespace poplar::session {

// A client's connection from the accepted socket to its end. Read session.cc from top to bottom.
//
// One coroutine while it does something, one thread. It ends by its own returns only: Drain and
// Abort make whatever it waits for come back.
class Session final : public admission::Newcomer, private upstream::Challenger {
 public:
  Session(Environment& environment, std::shared_ptr<const Settings> settings,
          const ListenerSettings& listener, const io::Accepted& accepted, Place place = {});
  ~Session();

  // From the accepted socket to the end; false. Or until client and node are both silent; true:
  // then Rest, which wakes whoever is to Run it again. Meanwhile no coroutine of it is left.
  io::Task<bool> Run();
  void Rest(io::Waker whom) { relay_->Rest(whom); }

  // To be ended at the next command boundary with -ERR [SYS/TEMP]. The first reason counts.
  void Drain(EndReason reason = EndReason::kDraining);
  // Poplar is about to drain: see Relay::RefuseNextIfSilent. Once; then LeaveIfSilent, again and
  // again.
  void BeginLeaving(io::Duration silence);
  // Drains it if its client has owed the next command for that long, counted from `since` at the
  // earliest.
  void LeaveIfSilent(io::Time since, io::Duration silence);
  // To be ended now.
  void Abort(EndReason reason = EndReason::kShutdown);
  // Too many wait for their login, and this one has waited for longest.
  void GiveWay() override;
  // An operator took the node down: the session there, if this is one, is to be dropped.
  void DropNode(balancer::NodeId node);
  // Its health has changed.
  void LookAtNode(balancer::NodeId node);
  // An operator has moved users, perhaps this session's: then it ends at the next command boundary.
  void LookAtMoves();

  // For whoever looks at the worker's sessions, on its thread.
  const Record& record() const { return record_; }
  SessionState state() const;
  // Its client; nothing before the login.
  std::optional<io::Time> idle_since() const;
  // Whether record().user is more than a name that was tried: logged in, or about to be.
  bool has_user() const { return record_.logged_in || login_ != nullptr; }

 private:
  // What the client has shown of itself in its TLS handshake.
  struct Introduction {
    std::string server_name;                                    // SNI
    std::unique_ptr<const tls::ClientCertificate> certificate;  // null: none
    std::string certificate_user;                               // whom it names
  };

  POPLAR_OWN_FRAME io::Task<bool> LearnClient();
  bool Admitted();
  POPLAR_OWN_FRAME io::Task<bool> Handshake(io::Buffer received);
  POPLAR_OWN_FRAME io::Task<bool> Authorize();
  io::Task<bool> ReadMore();
  io::Task<std::optional<pop3::Secret>> Ask(std::string_view line) override;
  io::Task<bool> Perform(pop3::Authorization& dialogue, pop3::Authorization::Step step);
  void Introduce(const tls::Engine& engine, const std::string& server_name);
  void TakeOver(const pop3::Xclient& xclient);
  io::Task<bool> StartTls(pop3::Authorization& dialogue);
  pop3::AuthorizationPolicy Policy() const;
  POPLAR_OWN_FRAME io::Task<Login::Outcome> LogIn(pop3::Credential credential);
  void OnLoggedIn(Login& login, const Settings& settings, const pop3::Credential& credential);
  void BeginRelay();
  POPLAR_OWN_FRAME io::Task<bool> RelayMail();
  RelayOptions OptionsOfRelay() const;
  admission::Deletes Deletes() const;
  NodeSide SideOfNode() const;
  POPLAR_OWN_FRAME io::Task<bool> GoOnElsewhere(Relay& relay);
  void CutOff();
  void CountResume(ResumeResult result, io::Time stalled_since);
  ParkResult Park();
  void TellHealth(EndReason lost);
  POPLAR_OWN_FRAME io::Task<void> Close();
  io::Task<void> Linger();

  io::Task<bool> Say(std::string_view line);
  void End(EndReason reason);
  void JoinNode(NodeSession session, balancer::NodeId node);
  void LeaveNode();
  io::Proactor& proactor() const { return environment_.proactor; }
  upstream::Cluster& cluster() const { return settings_->ClusterOf(where_.cluster); }
  std::shared_ptr<const upstream::OfferedCapabilities::Common> Offered() const;
  const Introduction& introduction() const;
  std::string_view DefaultDomain() const;
  upstream::ClientOrigin Origin() const;
  Tracing* LookForTraces();
  void TraceClient(trace::Tap::Start start);
  void TraceUser(const pop3::Credential& credential);
  void StopTracingUser();
  void ListenIn(trace::Tap::Start start, std::string_view secret = {});

  Environment& environment_;
  const std::shared_ptr<const Settings> settings_;
  const ListenerSettings& listener_;

  Place place_;
  std::unique_ptr<io::Stream> client_;
  trace::Tapping tapping_;            // on client_
  std::unique_ptr<Tracing> tracing_;  // null: no trace is on, or was
  NodeSession upstream_;
  balancer::NodeId node_{};  // where upstream_ is
  int logins_ = 0;           // tried
  ClientInput input_;
  Login* login_ = nullptr;        // while it runs
  std::unique_ptr<Relay> relay_;  // from the login to the end
  Resume* resume_ = nullptr;      // while it runs
  tls::SealedSecret credential_;  // where the session may have to log in again
  Record record_;
  std::unique_ptr<Introduction> introduction_;  // until the login; null: nothing was shown
  Whereabouts where_;  // of the user; before login, of one whom no rule means
  std::unique_ptr<const std::string> own_node_;  // the name of where_.node, if there is one
  // How many proxies more the client may be handed on by: of XCLIENT, against loops.
  uint32_t ttl_ = upstream::ClientOrigin{}.ttl;
  std::optional<balancer::Moves::Turn> turn_;  // if a move means the user
  // What the last login went by: turn_ and the record's names are theirs.
  std::shared_ptr<balancer::Moves> moves_;
  std::shared_ptr<const balancer::RouteTable> rules_;
  std::unique_ptr<Departure> departure_;  // once it has to end for that
  io::Time stalls_counted_{};

  io::StaticText farewell_;
  bool secure_ = false;  // TLS is up
  bool ended_ = false;
  bool abrupt_ = false;
  bool finished_ = false;              // the client has been told that we write no more
  std::optional<EndReason> draining_;  // and why
  bool reading_command_ = false;       // before login; Drain may cut in
  io::Time reading_since_{};           // likewise
  bool node_was_unavailable_ = false;
  bool counted_on_node_ = false;
};

}  // namespace poplar::session
