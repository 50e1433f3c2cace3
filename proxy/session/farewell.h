#pragma once

#include "proxy/io/static_text.h"
#include "proxy/pop3/reply.h"
#include "proxy/session/end_reason.h"

namespace poplar::session {

// What a client hears at a boundary between its commands, for whose end it isn't to blame.
constexpr io::StaticText FarewellOf(EndReason reason) {
  if (reason == EndReason::kMoved || reason == EndReason::kClaimLost)
    return io::StaticText(pop3::kReplyMoved);
  if (reason == EndReason::kKicked) return io::StaticText(pop3::kReplyKicked);
  return io::StaticText(pop3::kReplyDraining);
}

}  // namespace poplar::session
