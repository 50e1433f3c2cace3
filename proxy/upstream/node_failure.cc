#include "proxy/upstream/node_failure.h"

namespace poplar::upstream {

std::string_view Name(NodeFailure failure) {
  switch (failure) {
    case NodeFailure::kNone:
      return "none";
    case NodeFailure::kConnectRefused:
      return "connect_refused";
    case NodeFailure::kConnectTimeout:
      return "connect_timeout";
    case NodeFailure::kConnectFailed:
      return "connect_failed";
    case NodeFailure::kTlsFailed:
      return "tls_failed";
    case NodeFailure::kTlsTimeout:
      return "tls_timeout";
    case NodeFailure::kGreetingRefused:
      return "greeting_refused";
    case NodeFailure::kGreetingGarbage:
      return "greeting_garbage";
    case NodeFailure::kGreetingTimeout:
      return "greeting_timeout";
    case NodeFailure::kClosed:
      return "closed";
    case NodeFailure::kReset:
      return "reset";
    case NodeFailure::kResponseTimeout:
      return "response_timeout";
    case NodeFailure::kProtocol:
      return "protocol";
    case NodeFailure::kCommandRefused:
      return "command_refused";
    case NodeFailure::kCancelled:
      return "cancelled";
    case NodeFailure::kNoDescriptor:
      return "no_descriptor";
  }
  return "unknown";
}

}  // namespace poplar::upstream
