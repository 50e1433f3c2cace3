#pragma once

#include <optional>
#include <string_view>

#include "proxy/io/task.h"
#include "proxy/pop3/secret.h"

namespace poplar::upstream {

// The client behind a login, where a node has more to ask it: SCRAM's messages, the reason why a
// token is refused.
class Challenger {
 public:
  // Sends `line`, a challenge with its CRLF, and waits for the client's answer: its line, without
  // line end. Nothing: it left, took too long or said what is no answer; it is not to be asked
  // again.
  virtual io::Task<std::optional<pop3::Secret>> Ask(std::string_view line) = 0;

 protected:
  ~Challenger() = default;
};

}  // namespace poplar::upstream
