#pragma once

#include <absl/container/flat_hash_map.h>

#include <string>
#include <string_view>

namespace poplar::admission {

// Who may delete mail. The most specific word holds: on the user, on the domain, on all. Immutable
// once shared between threads.
class Retention {
 public:
  Retention() = default;
  explicit Retention(bool denied) : denied_(denied) {}

  // `name`: "user@domain" or "user" in its canonical spelling, or "@domain". Denied counts for more
  // than allowed where both are said of one name.
  void Say(std::string_view name, bool denied);

  // `user`: canonical.
  bool DeletesDenied(std::string_view user) const;

 private:
  bool denied_ = false;
  absl::flat_hash_map<std::string, bool> said_;
};

}  // namespace poplar::admission
