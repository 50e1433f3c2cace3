#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "proxy/io/proactor.h"
#include "proxy/io/stream.h"
#include "proxy/pop3/secret.h"
#include "proxy/upstream/endpoint.h"
#include "proxy/upstream/node_failure.h"

namespace poplar::upstream {

// How long each stage of reaching a node took; zero where it wasn't entered.
struct StageDurations {
  io::Duration connect{};
  io::Duration tls{};
  io::Duration greeting{};
  io::Duration authentication{};
};

// The node's answer to a login.
struct LoginAnswer {
  bool accepted = false;
  std::string line;  // the node's own words, with CRLF: they go to the client as they are
};

// One connection to a node: first Open, then LogIn once, then the streams are relayed. Belongs to
// one worker; whoever destroys it must have seen its tasks end.
class Connection {
 public:
  // `endpoint` must outlive the connection.
  Connection(io::Proactor& proactor, const Endpoint& endpoint, const UpstreamTimeouts& timeouts)
      : proactor_(proactor), endpoint_(endpoint), timeouts_(timeouts) {}

  // Connects, ends the TLS handshake and reads the greeting. No credential is at stake yet: on any
  // error the caller may go to another node.
  io::Task<NodeError> Open();

  // From here on the node may have counted an attempt, whatever comes back.
  io::Task<tl::expected<LoginAnswer, NodeError>> LogIn(std::string_view user,
                                                       const pop3::Secret& password);

  // Leaves as a well-behaved client does, so that the node's log stays clean. Only before a session
  // is relayed: a QUIT commits deletes, and those are the client's own to commit.
  io::Task<void> Retire();

  // Makes whatever is under way end soon.
  void Abort();

  io::Stream& stream() { return *stream_; }
  const Endpoint& endpoint() const { return endpoint_; }
  const StageDurations& durations() const { return durations_; }
  // Whether the node has said more than it was asked.
  bool has_stray_bytes() const { return !input_.empty(); }

 private:
  io::Task<NodeError> ConnectTransport();
  io::Task<NodeError> HandshakeTls();
  io::Task<NodeError> ReadGreeting();
  // The next status line, without its line end, into line_.
  io::Task<NodeError> ReadLine(NodeFailure at_timeout);
  io::Task<NodeError> Send(std::string_view bytes);

  io::Proactor& proactor_;
  const Endpoint& endpoint_;
  const UpstreamTimeouts& timeouts_;
  std::unique_ptr<io::Stream> stream_;
  io::Buffer input_;  // received and not yet read
  std::string line_;
  StageDurations durations_;
  bool aborted_ = false;
};

}  // namespace poplar::upstream
