#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/io/address.h"
#include "proxy/trace/rules.h"
#include "proxy/trace/tapping.h"

namespace poplar::session {

// The traces that one session is in: those of its client's address, from its first line on; those
// of its user, from the login on; those of its node. Each stage looks once, at the rules of that
// moment. Only made where there are any.
class Tracing {
 public:
  // `rules`: the worker's newest ones, which outlive it.
  Tracing(const std::shared_ptr<const trace::Rules>& rules, uint64_t session)
      : rules_(rules), session_(session) {}

  void SetClient(const io::Address& client) { client_ = rules_->OfClient(client); }
  void SetUser(std::string_view user) { user_ = rules_->OfUser(user); }
  // The login has failed: whatever follows may be another's.
  void ForgetUser() { user_ = node_ = {}; }

  // All that the session is in, each once.
  trace::Sinks All() const;
  // For the client's side: of those that don't hear it yet.
  trace::Taps ClientTaps(const trace::Tapping& has, trace::Tap::Start start) const;
  // For a connection to a node, of which the traces of other nodes hear no more.
  trace::Taps NodeTaps(const std::string& node, trace::Tap::Start start);

 private:
  const std::shared_ptr<const trace::Rules>& rules_;
  const uint64_t session_;
  trace::Sinks client_;
  trace::Sinks user_;
  trace::Sinks node_;
};

}  // namespace poplar::session
