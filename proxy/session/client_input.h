#pragma once

#include "proxy/io/buffer.h"
#include "proxy/pop3/limits.h"
#include "proxy/pop3/line_reader.h"

namespace poplar::session {

// What the client sent and nobody has read yet. Handed on from login to relay as it is, so that
// commands which came in one packet with PASS are neither lost nor read early.
struct ClientInput {
  io::Buffer buffer;  // what `lines` looks at; held only while there is something to read
  pop3::LineReader lines{pop3::kCommandLineBytesMax};

  // Replaces the bytes, all of which were read.
  void Feed(io::Buffer fresh) {
    buffer = std::move(fresh);
    lines.Feed(buffer.bytes());
  }
  void Release() { buffer.Release(); }
};

}  // namespace poplar::session
