#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/io/clock.h"
#include "proxy/pop3/command.h"
#include "proxy/session/end_reason.h"

namespace poplar::session {

// A command that waits for its answer.
struct PendingCommand {
  pop3::Verb verb = pop3::Verb::kUnknown;
  bool multi_line = false;  // a +OK to what the node was sent
  bool retrieves = false;   // a whole message: RETR, or the TOP that fetchmail uses for it
  bool repeatable = false;  // all that it asks is in here: it can be asked again
  bool listing = false;     // the answer is taken down in the view of the maildrop
  bool hidden = false;      // asked by Poplar itself; the client gets nothing of the answer
  bool translated = false;  // the answer comes in the node's numbers, and the client has its own
  uint8_t troubles = 0;     // times that a node answered it [SYS/TEMP]
  uint32_t message = 0;     // by the client's number; 0: none was named
  uint32_t lines = 0;       // of TOP
  std::optional<EndReason> ends;  // the session ends with this answer
  const std::string_view* own_reply =
      nullptr;  // answered by Poplar in its turn; one of pop3's constants
  io::Time sent{};
  io::Time answer_began{};  // its first byte came
};

// What the client asked, taken down.
PendingCommand Pending(const pop3::Command& command);

// Whether its answer, or its effect, is about messages by their numbers.
bool NamesMessages(const PendingCommand& command);

// The command's line with CRLF, as it is asked of a node that knows the message by another number.
// STAT becomes LIST, since what the client may see is a part of what is there. Only of a repeatable
// one.
std::string LineAtNode(const PendingCommand& command, uint32_t message, bool translated);

}  // namespace poplar::session
