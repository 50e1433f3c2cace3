#include "metrics/admin_access.h"

#include <absl/strings/escaping.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include <utility>

namespace poplar::metrics {
namespace {

constexpr std::string_view kBearer = "Bearer realm=\"poplar\"";
constexpr std::string_view kBasic = "Basic realm=\"Poplar\"";

bool IsLoopback(std::string_view peer) {
  const std::string text(peer);
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  if (::inet_pton(AF_INET6, text.c_str(), &v6) != 1) return false;
  return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

// What Authorization says in this scheme; empty: nothing.
std::string_view CredentialsOf(const AdminRequest& request, std::string_view scheme) {
  const AdminRequest::Header* header = request.Find("Authorization");
  if (header == nullptr || header->value.size() <= scheme.size()) return {};
  if (!EqualsIgnoringCase(header->value.substr(0, scheme.size()), scheme)) return {};
  return header->value.substr(scheme.size());
}

std::string_view TokenOf(const AdminRequest& request) { return CredentialsOf(request, "Bearer "); }

// Whether it shows the token for reading as the password of Basic.
bool ReadsByPassword(const AdminRequest& request, const AdminHandlers& handlers) {
  const std::string_view encoded = CredentialsOf(request, "Basic ");
  std::string decoded;
  if (encoded.empty() || !absl::Base64Unescape({encoded.data(), encoded.size()}, &decoded))
    return false;
  const size_t colon = decoded.find(':');
  const bool reads =
      colon != decoded.npos && handlers.may_read(std::string_view(decoded).substr(colon + 1));
  explicit_bzero(decoded.data(), decoded.size());
  return reads;
}

// Why a request without a token must not change anything; null: it may. Browsers put Origin on
// every POST to another site (Fetch standard, section 3.1) and, where they are old, at least
// Referer.
std::optional<std::string> WhyDistrusted(const AdminRequest& request) {
  if (!IsLoopback(request.peer)) {
    return "Without admin.write_token_file changes are taken from this machine's loopback address "
           "only; this request came from " +
           std::string(request.peer) + ". Send it on this machine (ssh, kubectl exec).";
  }
  for (const std::string_view name : {"Origin", "Sec-Fetch-Site", "Referer"}) {
    if (request.Find(name) == nullptr) continue;
    return "Changes are not taken from browsers, for any web page could make them behind your "
           "back; this request has the header " +
           std::string(name) + ". Use curl, or set admin.write_token_file.";
  }
  for (const std::string_view name : {"Forwarded", "X-Forwarded-For", "Via"}) {
    if (request.Find(name) == nullptr) continue;
    return "Changes are not taken from proxies, for they hide who asks; this request has the "
           "header " +
           std::string(name) + ". Send it straight to Poplar.";
  }
  return std::nullopt;
}

}  // namespace

std::optional<AccessDenial> WhyNoReading(const AdminRequest& request,
                                         const AdminHandlers& handlers) {
  if (!handlers.may_read) return std::nullopt;
  const std::string_view token = TokenOf(request);
  if (handlers.may_read(token) || (handlers.may_change && handlers.may_change(token)))
    return std::nullopt;
  if (ReadsByPassword(request, handlers)) return std::nullopt;
  return AccessDenial{401,
                      "This needs the token of admin.read_token_file: Authorization: Bearer TOKEN",
                      {kBearer, kBasic}};
}

std::optional<AccessDenial> WhyNoChange(const AdminRequest& request,
                                        const AdminHandlers& handlers) {
  if (!handlers.may_change) {
    std::optional<std::string> why = WhyDistrusted(request);
    return why ? std::optional(AccessDenial{403, std::move(*why)}) : std::nullopt;
  }
  const std::string_view token = TokenOf(request);
  if (handlers.may_change(token)) return std::nullopt;
  if (handlers.may_read && (handlers.may_read(token) || ReadsByPassword(request, handlers))) {
    return AccessDenial{403,
                        "This token is for reading; changes need that of admin.write_token_file."};
  }
  return AccessDenial{401,
                      "Changes need the token of admin.write_token_file: Authorization: Bearer "
                      "TOKEN",
                      {kBearer}};
}

}  // namespace poplar::metrics
