#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/pop3/capabilities.h"
#include "proxy/pop3/credential.h"
#include "proxy/pop3/master_user.h"

namespace poplar::pop3 {

// How a node is told of a login.
struct LoginWay {
  enum class Kind : uint8_t {
    kUserPass,    // USER `user`, PASS `password`
    kAuth,        // AUTH `mechanism`, with `message`
    kUnsafe,      // written out, the credential would read as something else: see IsSafe
    kImpossible,  // for `why`
  };
  Kind kind = Kind::kImpossible;
  Secret user;
  std::string_view password;  // of the credential or of the master user
  Mechanism mechanism = Mechanism::kPlain;
  Secret message;             // base64
  std::string_view why = {};  // static, for the log
};

// Whether nothing in it ends or splits a line or a message: no CR, LF or NUL anywhere, no 0x01 in a
// token or its user, no blank in a language; and what its proof needs is there.
bool IsSafe(const Credential& credential);

// `offered`: by the node; null: unknown, and then all it takes is USER and PASS. The way borrows
// from both others.
//
// A password goes by AUTH PLAIN where the node has it: PASS of some servers knows no blanks, and
// PLAIN alone can name another mailbox than the user's own. A token goes by the client's mechanism
// or by the other one that carries it; SCRAM by itself alone; EXTERNAL as the master user's login.
LoginWay ChooseWay(const Credential& credential, const Capabilities* offered,
                   const MasterUser& master);

// Whether the way depends on what the node offers: then it has to be asked first. A plain password
// needs no asking.
bool NeedsCapabilities(const Credential& credential);

// Whether a node that offers this can be told of logins by `mechanism`. EXTERNAL needs a master
// user besides.
bool CanServe(Mechanism mechanism, const Capabilities& offered);

}  // namespace poplar::pop3
