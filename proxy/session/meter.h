#pragma once

#include "balancer/node_table.h"
#include "proxy/io/clock.h"
#include "proxy/pop3/command.h"
#include "proxy/session/record.h"
#include "proxy/upstream/node_failure.h"

namespace poplar::session {

// How a login ended, for the metrics.
enum class LoginResult : uint8_t {
  kOk,
  kRejected,            // the node said no to the credential
  kBackendUnavailable,  // no node could be reached
  kBackendError,  // a node failed after the credential was sent, or said [SYS/...], [IN-USE] or the
                  // like
  kTimeout,
};

enum class HandshakeResult : uint8_t { kOk, kFailed, kTimeout };

// What sessions count. One worker's; plain additions, no lock.
class Meter {
 public:
  virtual ~Meter() = default;
  virtual void SessionBegan(size_t listener) = 0;
  virtual void SessionEnded(size_t listener, const Record& record) = 0;
  virtual void HandshakeEnded(HandshakeResult result, const Record& record, io::Duration took) = 0;
  virtual void LoginEnded(LoginResult result, const Record& record, io::Duration took) = 0;
  virtual void NodeFailed(balancer::NodeId node, upstream::NodeFailure failure) = 0;
  virtual void FailedOver(balancer::NodeId from) = 0;
  virtual void NodeSessionBegan(balancer::NodeId node) = 0;
  virtual void NodeSessionEnded(balancer::NodeId node) = 0;
  virtual void CommandAnswered(pop3::Verb verb, bool ok, io::Duration took) = 0;
};

}  // namespace poplar::session
