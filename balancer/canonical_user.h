#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace poplar::balancer {

// Longest login name that is routed, in bytes after the default domain was added. RFC 5321 4.5.3.1
// allows 64 + 1 + 255 for an address; the rest leaves room for a master-user or detail part.
inline constexpr size_t kMaxUserBytes = 512;

struct CanonicalRules {
  // Added as "@domain" to a login name that has no '@'; empty: nothing is added.
  std::string default_domain;
};

enum class UserNameError { kEmpty, kTooLong, kControlCharacter };

// "too long" and so on, for logs.
std::string_view Text(UserNameError error);

// The one spelling of a mailbox that hashing, affinity and logs use. The node is still told the
// login name as the client typed it. ASCII letters are lower-cased; other bytes (UTF-8 names, RFC
// 6856) stay as they are, since folding them depends on the server.
class CanonicalUser {
 public:
  // Refuses an empty name, one over kMaxUserBytes and one with a control character (0-31, 127).
  static tl::expected<CanonicalUser, UserNameError> FromLogin(std::string_view login,
                                                              const CanonicalRules& rules);

  const std::string& text() const { return text_; }
  // Well mixed, and the same in every process.
  uint64_t Hash() const;

  friend bool operator==(const CanonicalUser&, const CanonicalUser&) = default;

 private:
  explicit CanonicalUser(std::string text) : text_(std::move(text)) {}

  std::string text_;
};

}  // namespace poplar::balancer
