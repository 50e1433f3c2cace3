#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace poplar::autoconfig {

// An address as users type it. Nothing else of a stranger's ever gets into a document.
struct EmailAddress {
  std::string local;   // a dot-atom of RFC 5322, as written
  std::string domain;  // a host name, in lower case

  // Null for what is none: quoted local parts, address literals and addresses beyond ASCII too.
  static std::optional<EmailAddress> Parse(std::string_view text);

  std::string Text() const { return local + "@" + domain; }
};

}  // namespace poplar::autoconfig
