#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace poplar::upstream {

// How a node failed us; one name each, for logs and metric labels.
enum class NodeFailure : uint8_t {
  kNone,
  kConnectRefused,
  kConnectTimeout,
  kConnectFailed,
  kTlsFailed,
  kTlsTimeout,
  kGreetingRefused,  // -ERR instead of a greeting
  kGreetingGarbage,  // not POP3
  kGreetingTimeout,
  kClosed,  // end of file where an answer was due
  kReset,
  kResponseTimeout,
  kProtocol,        // an answer that is none, or one too many
  kCommandRefused,  // -ERR to a command of Poplar's own that a working node accepts
  kCancelled,       // we ended it
  kNoDescriptor,    // ours: out of file descriptors
};

std::string_view Name(NodeFailure failure);

struct NodeError {
  NodeFailure failure = NodeFailure::kNone;
  std::string detail;  // for the log: the errno, the certificate's fault, the node's words
  // For the log.
  std::string Text() const { return std::string(Name(failure)) + ": " + detail; }
};

}  // namespace poplar::upstream
