#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace poplar::admission {

// What becomes of a client's DELE.
enum class Deletes : uint8_t {
  kAllowed,
  kKept,    // the client is told yes, and the mail stays
  kDenied,  // the client is told no
};

// Who may delete mail. The most specific word holds: on the user, on the domain, on all. Immutable
// once shared between threads.
class Retention {
 public:
  Retention() = default;
  explicit Retention(Deletes others) : others_(others) {}

  // `name`: "user@domain" or "user" in its canonical spelling, or "@domain". Where several are said
  // of one name the strictest holds.
  void Say(std::string_view name, Deletes deletes);

  // `user`: canonical.
  Deletes Of(std::string_view user) const;

 private:
  Deletes others_ = Deletes::kAllowed;
  absl::flat_hash_map<std::string, Deletes> said_;
};

}  // namespace poplar::admission
