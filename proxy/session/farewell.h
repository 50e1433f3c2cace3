#pragma once

#include <string_view>

#include "proxy/pop3/reply.h"
#include "proxy/session/end_reason.h"

namespace poplar::session {

// What a client hears at a boundary between its commands, for whose end it isn't to blame.
constexpr std::string_view FarewellOf(EndReason reason) {
  if (reason == EndReason::kMoved || reason == EndReason::kClaimLost) return pop3::kReplyMoved;
  if (reason == EndReason::kKicked) return pop3::kReplyKicked;
  return pop3::kReplyDraining;
}

}  // namespace poplar::session
