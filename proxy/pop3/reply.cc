#include "proxy/pop3/reply.h"

#include <utility>

#include "proxy/pop3/ascii.h"

namespace poplar::pop3 {
namespace {

constexpr std::pair<std::string_view, ResponseCode> kCodes[] = {
    {"IN-USE", ResponseCode::kInUse},     {"LOGIN-DELAY", ResponseCode::kLoginDelay},
    {"AUTH", ResponseCode::kAuth},        {"SYS/TEMP", ResponseCode::kSysTemp},
    {"SYS/PERM", ResponseCode::kSysPerm},
};

// Codes are hierarchical: who doesn't know [IN-USE/X] takes it for [IN-USE] (RFC 2449 section 8).
bool IsOrRefines(std::string_view code, std::string_view known) {
  return EqualsIgnoringCase(code.substr(0, known.size()), known) &&
         (code.size() == known.size() || code[known.size()] == '/');
}

ResponseCode ParseCode(std::string_view code) {
  for (const auto& [name, value] : kCodes) {
    if (IsOrRefines(code, name)) return value;
  }
  return ResponseCode::kOther;
}

std::string_view WithoutOneBlank(std::string_view text) {
  return text.starts_with(' ') ? text.substr(1) : text;
}

}  // namespace

std::optional<Reply> ParseReply(std::string_view line) {
  constexpr std::string_view kOk = "+OK";
  constexpr std::string_view kErr = "-ERR";
  Reply reply;
  if (line.starts_with(kOk)) {
    reply.ok = true;
    reply.text = line.substr(kOk.size());
  } else if (line == kErr || line.starts_with("-ERR ")) {
    reply.text = line.substr(kErr.size());
  } else {
    return std::nullopt;
  }
  reply.text = WithoutOneBlank(reply.text);
  const size_t close = reply.text.find(']');
  if (reply.text.starts_with('[') && close != reply.text.npos) {
    reply.code = ParseCode(reply.text.substr(1, close - 1));
    reply.text = WithoutOneBlank(reply.text.substr(close + 1));
  }
  return reply;
}

}  // namespace poplar::pop3
