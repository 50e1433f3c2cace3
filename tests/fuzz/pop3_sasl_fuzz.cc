#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "proxy/pop3/limits.h"
#include "proxy/pop3/node_login.h"
#include "proxy/pop3/sasl_exchange.h"

// The first byte chooses the mechanism, the second whether the first line is an initial response;
// the lines behind them are the client's. Whatever comes out must be fit for a command to a node.
namespace {

using poplar::pop3::IsSafeCredential;
using poplar::pop3::Mechanism;
using poplar::pop3::SaslExchange;
using Kind = SaslExchange::Step::Kind;

void Require(bool holds) {
  if (!holds) std::abort();
}

std::string_view TakeLine(std::string_view& rest) {
  const size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

bool IsName(std::string_view name) {
  return IsSafeCredential(name) && name.size() <= poplar::pop3::kUserBytesMax;
}

void Judge(SaslExchange& exchange) {
  const poplar::pop3::SaslIdentity identity = exchange.TakeIdentity();
  const Mechanism mechanism = exchange.mechanism();
  const bool scram = mechanism == Mechanism::kScramSha1 || mechanism == Mechanism::kScramSha256;
  const bool external = mechanism == Mechanism::kExternal;
  Require(external ? identity.user.empty() : IsName(identity.user));
  Require(identity.authorization.empty() || IsName(identity.authorization));
  Require(scram || external ? identity.secret.empty() : IsSafeCredential(identity.secret.Expose()));
  Require(scram == !exchange.TakeFirstMessage().empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const auto mechanism = static_cast<Mechanism>(data[0] % poplar::pop3::kMechanismCount);
  std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  SaslExchange exchange(mechanism);
  SaslExchange::Step step;
  if (data[1] % 2 == 0) {
    step = exchange.Begin(std::nullopt);
  } else {
    step = exchange.Begin(TakeLine(rest));
  }
  for (int lines = 0; step.kind == Kind::kChallenge; ++lines) {
    Require(step.line.starts_with("+ ") && step.line.ends_with("\r\n"));
    Require(lines < 3);
    step = exchange.OnLine(TakeLine(rest));
  }
  if (step.kind == Kind::kIdentity) Judge(exchange);
  return 0;
}
