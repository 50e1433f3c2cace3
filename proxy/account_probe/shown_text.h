#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/pop3/secret.h"

namespace poplar::account_probe {

// A server's words as they may be shown and logged: printable ASCII, everything else '?', at most
// kShownBytesMax, and none of the secrets in them, should the server have repeated one.
class ShownText {
 public:
  // Also in the forms that a login gives it.
  void Hide(std::string_view user, std::string_view secret);

  std::string operator()(std::string_view text) const;

 private:
  std::vector<pop3::Secret> hidden_;
};

}  // namespace poplar::account_probe
