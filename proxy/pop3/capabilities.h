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
  // Whether the line SASL has this mechanism, in any case: OffersMechanism("PLAIN").
  bool OffersMechanism(std::string_view name) const;

  friend bool operator==(const Capabilities&, const Capabilities&) = default;
  friend Capabilities Common(const Capabilities& a, const Capabilities& b);

 private:
  std::string lines_;
};

// The lines of `a` that `b` has too, in any case and order: what one may count on whichever of the
// two nodes a session gets.
Capabilities Common(const Capabilities& a, const Capabilities& b);

// What to believe of a server that doesn't know CAPA, which is optional (RFC 2449): TOP and UIDL.
// They are optional in RFC 1939 as well, but older than CAPA and everywhere, and clients such as
// Thunderbird give up for good where UIDL isn't promised. Whatever came with CAPA itself
// (PIPELINING, RESP-CODES, RFC 3206's AUTH-RESP-CODE) it has not.
Capabilities WithoutCapa();

// Poplar's own CAPA reply before login, whole, from status line to terminator. `login_allowed` is
// false where a password would cross the wire in the clear; then USER is not in the list. Of what
// depends on the node that a login will get (TOP, UIDL, PIPELINING, RESP-CODES, AUTH-RESP-CODE)
// only that is promised which `common` has.
std::string RenderBeforeLogin(bool login_allowed, const Capabilities& common);
// The same for nodes of which nothing is known yet: the usual, all of it.
std::string RenderBeforeLogin(bool login_allowed);

// Whether a line of the node's CAPA reply holds for a client behind Poplar after login. Not so:
// STLS and SASL, since both ended here, and XCLIENT, with which a client could pretend to be
// another.
bool PassesAfterLogin(std::string_view capa_line);

// The node's whole CAPA reply, less the lines that don't pass; byte-exact otherwise. `whole_reply`
// is one reply as ReplyFramer cut it out, -ERR included.
std::string FilterAfterLogin(std::string_view whole_reply);

}  // namespace poplar::pop3
