#pragma once

#include <string_view>

#include "proxy/pop3/secret.h"

// What a node is told in an AUTH: the mechanisms' messages, as base64 of RFC 4648 section 4, ready
// for the line. Each name and secret must be free of NUL, and of 0x01 in the token's.
namespace poplar::pop3 {

// Of the decoded bytes no copy is left.
Secret EncodeBase64(std::string_view bytes);

// RFC 4616. `authorization`: whose mail is wanted; empty: the user's own.
Secret PlainMessage(std::string_view authorization, std::string_view user,
                    std::string_view password);
// Google's.
Secret Xoauth2Message(std::string_view user, std::string_view token);
// RFC 7628 section 3.1, with the user as the authorization identity.
Secret OauthBearerMessage(std::string_view user, std::string_view token);

}  // namespace poplar::pop3
