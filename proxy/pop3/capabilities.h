#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/pop3/mechanism_set.h"

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
  bool Has(std::string_view keyword) const { return !Line(keyword).empty(); }
  // The first such line, without its end; empty if there is none.
  std::string_view Line(std::string_view keyword) const;
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

// What an operator wants said otherwise, before login and after it.
struct CapabilityEdits {
  std::vector<std::string> removed;  // keywords
  std::vector<std::string> added;    // whole lines, without their ends
};

// What a client may count on before its login.
struct Offer {
  bool user = true;         // USER and PASS
  bool stls = false;        // is to be had, now
  MechanismSet mechanisms;  // of AUTH
  // What all nodes have, whichever of them the login will get. Null: no node was asked yet, and the
  // usual is promised.
  std::shared_ptr<const Capabilities> nodes = {};
  const CapabilityEdits* edits = nullptr;  // null: none

  // Whether the nodes have it and the operator doesn't mind. For what must not be promised in
  // advance: UTF8, LANG.
  bool NodesHave(std::string_view keyword) const;
};

// Poplar's own CAPA reply before login, whole, from status line to terminator. Of what depends on
// the node (TOP, UIDL, PIPELINING, RESP-CODES, AUTH-RESP-CODE, EXPIRE, LOGIN-DELAY, UTF8, LANG)
// only that is promised which all nodes have, in the same words.
std::string RenderBeforeLogin(const Offer& offer);

// The answer to AUTH with nothing behind it, whole.
std::string RenderMechanisms(MechanismSet mechanisms);

// Whether a line of the node's CAPA reply holds for a client behind Poplar after login. Not so:
// STLS and SASL, since both ended here, and XCLIENT, with which a client could pretend to be
// another.
bool PassesAfterLogin(std::string_view capa_line);

// The node's whole CAPA reply, less the lines that don't pass, and with what the operator wants;
// byte-exact otherwise. `whole_reply` is one reply as ReplyFramer cut it out; an -ERR stays as it
// is.
std::string FilterAfterLogin(std::string_view whole_reply, const CapabilityEdits* edits = nullptr);

}  // namespace poplar::pop3
