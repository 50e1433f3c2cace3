#pragma once

#include <string>
#include <string_view>

// CAPA: RFC 2449. Lines are what ends with CRLF, as for ReplyFramer.
namespace poplar::pop3 {

// What a node said it can do.
class Capabilities {
 public:
  Capabilities() = default;
  // `reply`: the CAPA reply, with or without its status line and terminator. What is behind
  // kCapaReplyBytesMax is not looked at.
  explicit Capabilities(std::string_view reply);

  // Whether a line begins with this keyword, in any case: Has("PIPELINING").
  bool Has(std::string_view keyword) const;

 private:
  std::string lines_;
};

// Poplar's own CAPA reply before login, whole, from status line to terminator. `login_allowed` is
// false where a password would cross the wire in the clear; then USER is not in the list.
std::string RenderBeforeLogin(bool login_allowed);

// Whether a line of the node's CAPA reply holds for a client behind Poplar after login. Not so:
// STLS and SASL, since both ended here, and XCLIENT, with which a client could pretend to be
// another.
bool PassesAfterLogin(std::string_view capa_line);

// The node's whole CAPA reply, less the lines that don't pass; byte-exact otherwise. `whole_reply`
// is one reply as ReplyFramer cut it out, -ERR included.
std::string FilterAfterLogin(std::string_view whole_reply);

}  // namespace poplar::pop3
