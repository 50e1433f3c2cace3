#include "proxy/server/admin_tokens.h"

#include <cstring>
#include <functional>
#include <string_view>
#include <utility>

#include "balancer/credential_digest.h"
#include "proxy/config/password_file.h"

namespace poplar::server {
namespace {

// Whether a token is the one in the file, of which only a digest is kept; empty without a file.
tl::expected<std::function<bool(std::string_view)>, std::string> TokenCheck(
    const std::string& file, const char* setting, const tls::KeyedDigest& digest) {
  if (file.empty()) return std::function<bool(std::string_view)>();
  auto token = config::ReadPasswordFile(file);
  if (!token) return tl::unexpected(std::string(setting) + ": " + file + " " + token.error());
  const balancer::CredentialDigest expected{digest.Of(setting, *token)};
  explicit_bzero(token->data(), token->size());
  return [&digest, setting, expected](std::string_view shown) {
    return expected.Matches({digest.Of(setting, shown)});
  };
}

}  // namespace

tl::expected<AdminTokens::Checks, std::string> AdminTokens::Read(const config::AdminConfig& config,
                                                                 const tls::KeyedDigest& digest) {
  auto may_read = TokenCheck(config.read_token_file, "admin.read_token_file", digest);
  if (!may_read) return tl::unexpected(may_read.error());
  auto may_change = TokenCheck(config.write_token_file, "admin.write_token_file", digest);
  if (!may_change) return tl::unexpected(may_change.error());
  return Checks{std::move(*may_read), std::move(*may_change)};
}

}  // namespace poplar::server
