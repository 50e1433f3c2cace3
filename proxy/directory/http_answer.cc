#include "proxy/directory/http_answer.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

namespace poplar::directory {
namespace {

constexpr std::chrono::seconds kLongestWait{60};
// Before the same question is asked again: a service that names none would be asked without end.
constexpr std::chrono::seconds kShortestPause{1};
// With "-ERR " and its end below what RFC 2449 section 4 allows a line.
constexpr size_t kTextBytesMax = 400;

Answer Unavailable(std::string why) {
  return {.kind = Answer::Kind::kUnavailable, .text = std::move(why)};
}

// It becomes a line of POP3.
std::string Printable(std::string_view text) {
  std::string line(text.substr(0, kTextBytesMax));
  std::replace_if(line.begin(), line.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return line;
}

io::Duration WaitOf(std::string_view text) {
  unsigned seconds = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (fault == std::errc::result_out_of_range) return kLongestWait;
  if (fault != std::errc() || end != text.data() + text.size()) return {};
  return std::min(std::chrono::seconds(seconds), kLongestWait);
}

std::string PlaceOf(const HttpResponse& response) {
  const std::string_view cluster = response.Header("auth-cluster");
  if (!cluster.empty()) return std::string(cluster);
  const std::string_view server = response.Header("auth-server");
  const std::string_view port = response.Header("auth-port");
  // Who names no port means the node on that host, if there is one alone.
  if (server.empty() || port.empty()) return std::string(server);
  const bool bare = server.find(':') != server.npos && !server.starts_with('[');
  return (bare ? "[" + std::string(server) + "]" : std::string(server)) + ":" + std::string(port);
}

}  // namespace

Answer ToAnswer(const HttpResponse& response) {
  if (response.status == 404) return {.kind = Answer::Kind::kUnknown};
  if (response.status != 200)
    return Unavailable("answered with HTTP status " + std::to_string(response.status));
  const std::string_view status = response.Header("auth-status");
  if (status.empty()) return Unavailable("answered without Auth-Status");
  const io::Duration wait = WaitOf(response.Header("auth-wait"));
  if (status == "WAIT")
    return {.kind = Answer::Kind::kNotYet, .wait = std::max<io::Duration>(wait, kShortestPause)};
  if (status != "OK")
    return {.kind = Answer::Kind::kRefused, .text = Printable(status), .wait = wait};
  Answer answer{.kind = Answer::Kind::kFound};
  answer.found.place = PlaceOf(response);
  if (answer.found.place.empty())
    return Unavailable("answered OK without Auth-Server or Auth-Cluster");
  answer.found.login = response.Header("auth-user");
  const std::string_view password = response.Header("auth-pass");
  if (!password.empty()) answer.found.password = std::make_shared<const pop3::Secret>(password);
  return answer;
}

}  // namespace poplar::directory
