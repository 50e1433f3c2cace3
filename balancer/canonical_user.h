#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace poplar::balancer {

// Longest login name that is routed, in bytes, and longest canonical one. RFC 5321 4.5.3.1 allows
// 64 + 1 + 255 for an address; the rest leaves room for a master-user or detail part.
inline constexpr size_t kMaxUserBytes = 512;

// How a login name becomes the name of a mailbox, in this order: the master user's name goes, a
// domain is added where there is none, the detail part goes, letters are lower-cased, the domain
// and then the whole name are replaced by what they are an alias of (once; no chains).
struct CanonicalRules {
  using Aliases = absl::flat_hash_map<std::string, std::string>;

  // Added as "@domain" to a login name that has no '@'; empty: nothing is added.
  std::string default_domain;
  // Of the part before the '@'; a domain is always lower-cased.
  bool lower_case = true;
  // Between the mailbox and the master user who opens it: "*" in anna*admin. Empty: none.
  std::string master_separator = {};
  // Between the user's name and what is no part of the mailbox's: "+" in anna+lists@example.org. A
  // name that begins with it is left alone. Empty: none.
  std::string detail_separator = {};
  Aliases domain_aliases = {};                  // in lower case
  std::shared_ptr<const Aliases> aliases = {};  // of canonical names; null: none
};

enum class UserNameError { kEmpty, kTooLong, kControlCharacter };

// "too long" and so on, for logs.
std::string_view Text(UserNameError error);

// The one spelling of a mailbox that hashing, affinity, pooling, limits and logs use. The node is
// still told the login name as the client typed it. ASCII letters are lower-cased; other bytes
// (UTF-8 names, RFC 6856) stay as they are, since folding them depends on the server.
class CanonicalUser {
 public:
  // Refuses a name that is empty or of which nothing is left before the '@', one over kMaxUserBytes
  // and one with a control character (0-31, 127). `default_domain`, if it isn't empty, takes the
  // place of the rules' own.
  static tl::expected<CanonicalUser, UserNameError> FromLogin(std::string_view login,
                                                              const CanonicalRules& rules,
                                                              std::string_view default_domain = {});

  // A name that FromLogin gave out earlier.
  static CanonicalUser FromCanonical(std::string text) { return CanonicalUser(std::move(text)); }

  const std::string& text() const { return text_; }
  // Well mixed, and the same in every process.
  uint64_t Hash() const;

  friend bool operator==(const CanonicalUser&, const CanonicalUser&) = default;

 private:
  explicit CanonicalUser(std::string text) : text_(std::move(text)) {}

  std::string text_;
};

}  // namespace poplar::balancer
