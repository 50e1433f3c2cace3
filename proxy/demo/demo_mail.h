#pragma once

#include <span>
#include <string>
#include <string_view>

#include "proxy/demo/mail_store.h"

namespace poplar::demo {

struct DemoUser {
  std::string_view name;      // "alice@example.com"
  std::string_view password;  // no secret: printed for everybody to paste
};

std::span<const DemoUser> DemoUsers();

// Adds the users, each with a handful of messages: plain, UTF-8, with lines that begin with dots,
// multi-part, and for some a picture of about 200 KB. The same bytes and unique ids on every call.
void AddDemoMail(MailStore& store);

// A multi-part message with a generated picture of `side` times `side` pixels, 4 * side^2 bytes as
// base64; for those who need mail of a certain size. `side` must be a multiple of 4.
std::string PictureMessage(std::string_view to, int side);

}  // namespace poplar::demo
