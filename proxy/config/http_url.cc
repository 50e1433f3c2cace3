#include "proxy/config/http_url.h"

#include <algorithm>
#include <charconv>

namespace poplar::config {
namespace {

constexpr uint16_t kHttpPort = 80;
constexpr uint16_t kHttpsPort = 443;

bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool IsVisible(char c) { return c > 0x20 && c < 0x7f; }

bool IsHostCharacter(char c) { return IsLetterOrDigit(c) || c == '.' || c == '-' || c == '_'; }
bool IsAddressCharacter(char c) { return IsLetterOrDigit(c) || c == ':' || c == '.'; }

bool TakePort(std::string_view text, uint16_t* port) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), *port);
  return fault == std::errc() && end == text.data() + text.size() && *port != 0;
}

// "host", "host:port", "[address]:port".
bool TakeAuthority(std::string_view text, HttpUrl& url) {
  std::string_view rest;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == text.npos) return false;
    url.host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
    if (!std::all_of(url.host.begin(), url.host.end(), IsAddressCharacter)) return false;
  } else {
    const size_t colon = std::min(text.find(':'), text.size());
    url.host = text.substr(0, colon);
    rest = text.substr(colon);
    if (!std::all_of(url.host.begin(), url.host.end(), IsHostCharacter)) return false;
  }
  if (url.host.empty()) return false;
  return rest.empty() || (rest.starts_with(':') && TakePort(rest.substr(1), &url.port));
}

}  // namespace

tl::expected<HttpUrl, std::string> ParseHttpUrl(std::string_view text) {
  constexpr std::string_view kHttp = "http://";
  constexpr std::string_view kHttps = "https://";
  HttpUrl url;
  std::string_view rest = text;
  if (rest.starts_with(kHttp)) {
    rest.remove_prefix(kHttp.size());
    url.port = kHttpPort;
  } else if (rest.starts_with(kHttps)) {
    rest.remove_prefix(kHttps.size());
    url.tls = true;
    url.port = kHttpsPort;
  } else {
    return tl::unexpected(std::string("begins with neither http:// nor https://"));
  }
  if (!std::all_of(text.begin(), text.end(), IsVisible) || text.find('#') != text.npos)
    return tl::unexpected(std::string("has characters that a URL can't have"));
  const size_t end = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, end);
  if (authority.find('@') != authority.npos)
    return tl::unexpected(std::string("names a user; headers may carry a key instead"));
  if (!TakeAuthority(authority, url)) return tl::unexpected(std::string("has no host and port"));
  url.authority = authority;
  url.target = rest.substr(end);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

}  // namespace poplar::config
