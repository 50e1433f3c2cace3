#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

#include "proxy/pop3/authorization.h"
#include "proxy/pop3/limits.h"
#include "proxy/pop3/line_reader.h"
#include "proxy/pop3/node_login.h"

// A client before login, hostile: replies must be whole lines, limits must hold, and what would go
// to a node must be fit for a command.
namespace {

using poplar::pop3::Authorization;
using poplar::pop3::AuthorizationPolicy;
using poplar::pop3::Capabilities;
using poplar::pop3::Credential;
using poplar::pop3::EndCause;
using poplar::pop3::LineReader;
using poplar::pop3::MechanismSet;
using poplar::pop3::Proof;
using Kind = Authorization::Step::Kind;

constexpr int kBadCommandsMax = 5;
constexpr int kFailedLoginsMax = 3;

void Require(bool holds) {
  if (!holds) std::abort();
}

bool IsSafeOrEmpty(std::string_view text) {
  return text.empty() || poplar::pop3::IsSafeCredential(text);
}

void CheckCredential(const Credential& credential) {
  const auto& identity = credential.identity;
  Require(poplar::pop3::IsSafeCredential(identity.user));
  Require(identity.user.size() <= poplar::pop3::kUserBytesMax);
  Require(identity.authorization.size() <= poplar::pop3::kUserBytesMax);
  Require(IsSafeOrEmpty(identity.authorization));
  const Proof proof = credential.proof();
  const bool has_secret = proof == Proof::kPassword || proof == Proof::kToken;
  Require(identity.secret.empty() != has_secret);
  Require(IsSafeOrEmpty(identity.secret.Expose()));
  Require((proof == Proof::kScram) != credential.first_message.empty());
  Require(proof != Proof::kCertificate || identity.user == "carol");
}

AuthorizationPolicy PolicyOf(uint8_t bits) {
  AuthorizationPolicy policy{.bad_commands_max = kBadCommandsMax,
                             .failed_logins_max = kFailedLoginsMax,
                             .needs_tls = bits % 8 == 0};
  policy.offer.user = !policy.needs_tls && (bits & 16) == 0;
  policy.offer.stls = (bits & 32) != 0;
  policy.certificate_user = "carol";
  if (!policy.needs_tls) policy.offer.mechanisms = MechanismSet::All();
  if ((bits & 64) != 0)
    policy.offer.nodes = std::make_shared<const Capabilities>("UTF8\r\nLANG\r\n");
  return policy;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const uint8_t bits = data[0];
  const std::string stream(data + 1, data + size);
  Authorization client(PolicyOf(bits));
  bool needs_tls = bits % 8 == 0;
  LineReader lines(Authorization::kLineBytesMax);
  lines.Feed(stream);
  std::string_view line;
  int refused = 0;
  for (LineReader::Event event; (event = lines.Next(&line)) != LineReader::Event::kNeedMore;) {
    const bool refuse = line.size() % 2 == 0;
    Authorization::Step step =
        event == LineReader::Event::kTooLong ? client.OnLineTooLong() : client.OnLine(line);
    Require((step.kind == Kind::kLogin) == step.reply.empty());
    Require(step.reply.empty() || step.reply.ends_with("\r\n"));
    if (step.kind == Kind::kStartTls) {
      client.OnTls(PolicyOf(1));
      needs_tls = false;
    } else if (step.kind == Kind::kLogin) {
      Require(!needs_tls);
      CheckCredential(client.TakeCredential());
      if (refuse) {
        step = client.OnLoginRefused();
        Require((step.kind == Kind::kReplyAndEnd) == (++refused == kFailedLoginsMax));
      } else {
        client.OnLoginUnavailable();
        step = {};
      }
    }
    Require((step.kind == Kind::kReplyAndEnd) == (step.cause != EndCause::kNone));
    if (step.kind == Kind::kReplyAndEnd) return 0;
  }
  return 0;
}
