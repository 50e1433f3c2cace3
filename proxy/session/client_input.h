#pragma once

#include <memory>
#include <string>
#include <utility>

#include "proxy/io/buffer.h"
#include "proxy/pop3/limits.h"
#include "proxy/pop3/line_reader.h"
#include "proxy/pop3/secret.h"

namespace poplar::session {

// What the client sent and nobody has read yet. Handed on from login to relay as it is, so that
// commands which came in one packet with PASS are neither lost nor read early. Any of it may be a
// password, and is wiped when it was read.
struct ClientInput {
  ClientInput() = default;
  ~ClientInput() { Release(); }
  ClientInput(const ClientInput&) = delete;
  ClientInput& operator=(const ClientInput&) = delete;

  io::Buffer buffer;  // what `lines` looks at; held only while there is something to read
  std::unique_ptr<std::string> stowed;  // or that, at most io::kReceiveBytesMax bytes
  pop3::LineReader lines{pop3::kCommandLineBytesMax};

  // Replaces the bytes, all of which were read.
  void Feed(io::Buffer fresh) {
    Release();
    buffer = std::move(fresh);
    lines.Feed(buffer.bytes());
  }
  // Before a wait for the node, and not while a line is in use. Sessions that wait while they hold
  // a buffer of the pool could, if they are many, leave none for the answers they all wait for.
  // Only a client that sends ahead has anything to be copied.
  void Stow() {
    if (buffer.bytes().empty()) return;
    if (!lines.unread().empty()) {
      stowed = std::make_unique<std::string>(lines.unread());
      lines.MoveUnread(*stowed);
    }
    buffer.WipeAndRelease();
  }
  void Release() {
    if (stowed != nullptr) pop3::Wipe(stowed->data(), stowed->size());
    stowed.reset();
    buffer.WipeAndRelease();
  }
};

}  // namespace poplar::session
