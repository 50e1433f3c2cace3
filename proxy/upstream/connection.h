#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "balancer/node_pool.h"
#include "proxy/io/proactor.h"
#include "proxy/io/stream.h"
#include "proxy/pop3/capabilities.h"
#include "proxy/pop3/credential.h"
#include "proxy/pop3/limits.h"
#include "proxy/pop3/master_user.h"
#include "proxy/pop3/node_login.h"
#include "proxy/pop3/uidl_reader.h"
#include "proxy/trace/tapping.h"
#include "proxy/upstream/challenger.h"
#include "proxy/upstream/client_origin.h"
#include "proxy/upstream/endpoint.h"
#include "proxy/upstream/node_failure.h"

namespace poplar::tls {
class TlsStream;
}

namespace poplar::upstream {

// How long each stage of reaching a node took; zero where it wasn't entered.
struct StageDurations {
  io::Duration connect{};
  io::Duration tls{};
  io::Duration greeting{};
  io::Duration authentication{};
};

// What a login goes by besides the credential. All of it outlives the login.
struct LoginTerms {
  const pop3::Capabilities* offered = nullptr;  // by the node; null: unknown
  const pop3::MasterUser* master = nullptr;     // the cluster's; null: none
  const ClientOrigin* origin = nullptr;         // null: the login is Poplar's own
  Challenger* challenger = nullptr;             // null: nobody to ask
  bool careful = false;                         // see pop3::NodeLoginTerms
};

// What came of a login.
struct LoginAnswer {
  enum class Verdict : uint8_t {
    kAccepted,     // the node's word: `line`
    kRefused,      // likewise
    kModeRefused,  // the node has not the client's UTF8 or LANG: `why`; it saw no credential
    kImpossible,   // the node can't be told of such a credential: `why`; it saw nothing
    kClientGone,   // the client was asked and gave no answer
  };
  Verdict verdict = Verdict::kRefused;
  std::string line;           // the node's own words, with CRLF: they go to the client as they are
  std::string_view why = {};  // static, for the log

  bool accepted() const { return verdict == Verdict::kAccepted; }
};

// One connection to a node: first Open, then LogIn once, then the streams are relayed. Belongs to
// one worker at a time; whoever destroys it must have seen its tasks end, and not while it is
// detached.
class Connection final : public balancer::PooledConnection {
 public:
  Connection(io::Proactor& proactor, std::shared_ptr<const Endpoint> endpoint)
      : proactor_(&proactor), endpoint_(std::move(endpoint)) {}

  // Connects, sends the PROXY header, ends the TLS handshake and reads the greeting, in the order
  // that the endpoint wants. No credential is at stake yet: on any error the caller may go to
  // another node. `origin`: whose connection it is going to be; null: it is Poplar's own.
  io::Task<NodeError> Open(const ClientOrigin* origin = nullptr);
  // Only the first of the three, for a probe that asks no more than whether somebody listens.
  io::Task<NodeError> OpenTransport();

  // All that is said on it from here on is for these to hear, until it is detached: a new one's
  // greeting too. Not while anything is under way.
  void Trace(trace::Taps taps);

  // Once password_sent() the node may have counted an attempt, whatever comes back; before that an
  // error leaves the caller free to go elsewhere.
  io::Task<tl::expected<LoginAnswer, NodeError>> LogIn(const pop3::Credential& credential,
                                                       LoginTerms terms = {});
  bool password_sent() const { return password_sent_; }
  // The client has been asked something by the node: its login can't be repeated elsewhere.
  bool client_asked() const { return client_asked_; }

  // CAPA, before or after login; the whole answer, which may be an -ERR (RFC 2449 is optional).
  io::Task<tl::expected<std::string, NodeError>> AskCapabilities();
  // A command with a one-line answer, such as STAT; the line without its end.
  io::Task<tl::expected<std::string, NodeError>> Ask(std::string_view command);

  // UIDL, for a session that goes on here: the answer goes into `listing`. False: the node says
  // -ERR, or what isn't a listing that can be used (then the connection is of no more use).
  io::Task<tl::expected<bool, NodeError>> AskListing(pop3::UidlReader& listing);
  // DELE, each of them; kCommandRefused where the node doesn't take one. `pipelining`: many at
  // once.
  io::Task<NodeError> Delete(const std::vector<uint32_t>& messages, bool pipelining);

  // To lie in a pool: nothing under way and nothing unread. See io::Stream.
  bool Detach();
  void Attach(io::Proactor& proactor);
  // As far as can be seen without asking it anything, the node still waits for our next command.
  bool Quiet();

  // Leaves as a well-behaved client does, so that the node's log stays clean. Only before a session
  // is relayed: a QUIT commits deletes, and those are the client's own to commit.
  io::Task<void> Retire();

  // Makes whatever is under way end soon, with kCancelled.
  void Abort();
  // The same because a deadline of the caller's own has passed: it ends with what a timeout at this
  // stage is called.
  void Expire();

  io::Stream& stream() { return *stream_; }
  const Endpoint& endpoint() const { return *endpoint_; }
  // Whether it was made for this endpoint; a kept one may be for where the node was before.
  bool LeadsTo(const std::shared_ptr<const Endpoint>& endpoint) const {
    return endpoint_ == endpoint;
  }
  // When the connection had been greeted, for the age of a warm one.
  io::Time opened() const { return opened_; }
  StageDurations durations() const {
    return exchange_ != nullptr ? exchange_->durations : StageDurations{};
  }
  // From here on a session is relayed: what was kept of Poplar's own words with the node goes.
  void HandOver() { exchange_.reset(); }
  // Whether the node has said more than it was asked.
  bool has_stray_bytes() const { return exchange_ != nullptr && !exchange_->input.empty(); }

 private:
  // What Poplar says and hears itself.
  struct Exchange {
    io::Buffer input;  // received and not yet read
    std::string line;  // the last one heard
    StageDurations durations;
    trace::Taps waiting_taps;  // for the greeting
  };
  Exchange& exchange() {
    if (exchange_ == nullptr) exchange_ = std::make_unique<Exchange>();
    return *exchange_;
  }

  io::Task<NodeError> SendProxyHeader(const ClientOrigin* origin);
  io::Task<NodeError> StartTls();
  io::Task<NodeError> HandshakeTls();
  io::Task<NodeError> ReadGreeting();
  io::Task<NodeError> SendXclient(const ClientOrigin& origin);
  // Hands the node's question to the client, and adds its time to think to *thought. False: there
  // is nobody to go on with.
  io::Task<bool> AskClient(pop3::NodeLogin& dialogue, pop3::NodeLogin::Action& action,
                           Challenger* challenger, io::Duration* thought);
  // The next line, without its line end, into exchange().line.
  io::Task<NodeError> ReadLine(NodeFailure at_timeout, size_t bytes_max = pop3::kReplyLineBytesMax);
  io::Task<NodeError> Send(std::string_view bytes);
  // Reads on until the multi-line reply is whole.
  io::Task<tl::expected<std::string, NodeError>> ReadReply();
  NodeError FromIo(const io::Error& error, bool expired, NodeFailure at_timeout) const;

  io::Proactor* proactor_;
  const std::shared_ptr<const Endpoint> endpoint_;
  std::unique_ptr<io::Stream> stream_;
  trace::Tapping tapping_;  // on stream_
  std::unique_ptr<Exchange> exchange_;
  io::Time opened_{};
  bool offers_xclient_ = false;
  bool password_sent_ = false;
  bool client_asked_ = false;
  bool aborted_ = false;
  bool expired_ = false;  // aborted by Expire
};

}  // namespace poplar::upstream
