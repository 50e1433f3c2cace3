#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/io/clock.h"

namespace poplar::account_probe {

// What a probe of an account does.
enum class Step : uint8_t {
  kResolve,
  kConnect,
  kGreeting,
  kStls,
  kTls,
  kCertificate,
  kCapabilities,
  kLogin,
  kStat,
  kList,
  kUidl,
  kMessage,
  kQuit,
};
inline constexpr size_t kStepCount = static_cast<size_t>(Step::kQuit) + 1;

// "resolve" and so on: stable, for JSON and performance data.
std::string_view Name(Step step);

enum class Security : uint8_t {
  kTls,   // from the first byte
  kStls,  // behind the greeting (RFC 2595)
  kPlain,
};

// The steps of a probe that nothing stops.
std::vector<Step> StepsOf(Security security);

enum class Outcome : uint8_t {
  kPassed,
  kWarned,   // it works, and something about it wants a look
  kFailed,   // what comes behind it wasn't tried
  kSkipped,  // not wanted, not possible, or not reached: the detail says which
};
std::string_view Name(Outcome outcome);

// What can be wrong; explain.h has the words for each.
enum class Fault : uint8_t {
  kNone,
  // resolve
  kNameUnknown,
  kNameServerSilent,
  kServiceUnanswered,  // SRV couldn't be asked; the host itself was found
  // connect
  kRefused,
  kSilent,
  kUnreachable,
  kAddressFailed,  // of several; another one works
  kLocal,          // this machine's own trouble
  // greeting, and whatever speaks where TLS or POP3 was due
  kPlainPop3,  // POP3 without TLS
  kSpeaksTls,  // TLS where none was due
  kSpeaksSsh,
  kSpeaksHttp,
  kSpeaksImap,
  kSpeaksSmtp,
  kSpeaksOther,
  kTurnedAway,  // -ERR instead of a greeting
  // STLS and TLS
  kStlsRefused,
  kStlsInjection,
  kTlsVersion,
  kTlsCipher,
  kTlsAlpn,
  kTlsWantsCertificate,
  kTlsBroken,
  // certificate
  kExpired,
  kNotYetValid,
  kWrongName,
  kSelfSigned,
  kIncompleteChain,
  kUnknownAuthority,
  kUnacceptable,
  kExpiresSoon,
  // login
  kWrongCredential,
  kWrongToken,
  kNoTokenMechanism,
  kNeedsTls,
  kInUse,
  kLoginDelay,
  kUnwritable,
  // anywhere after the greeting
  kTemporary,  // [SYS/TEMP]
  kPermanent,  // [SYS/PERM]
  kCommandRefused,
  kNonsense,
  kTooMuch,
  kCountsDiffer,
  kIdsRepeat,
  kIncomplete,  // a message that is much smaller than LIST has it
  // at any time
  kClosed,
  kReset,
  kTimeout,
  kSlow,
};

struct Finding {
  Fault fault = Fault::kNone;
  std::string text;  // what was seen; printable ASCII, without secrets
};

struct StepResult {
  Step step = Step::kResolve;
  Outcome outcome = Outcome::kSkipped;
  io::Duration took{};
  std::string detail;  // what was seen, or why it was skipped
  std::vector<Finding> findings = {};
};

}  // namespace poplar::account_probe
