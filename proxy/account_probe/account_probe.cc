#include "proxy/account_probe/account_probe.h"

#include <algorithm>
#include <utility>

#include "proxy/account_probe/limits.h"
#include "proxy/account_probe/overheard_stream.h"
#include "proxy/account_probe/speaker.h"
#include "proxy/io/deadline.h"
#include "proxy/io/socket_stream.h"
#include "proxy/pop3/limits.h"
#include "proxy/pop3/reply.h"
#include "proxy/tls/stream.h"

namespace poplar::account_probe {
namespace {

constexpr uint16_t kPortTls = 995;
constexpr uint16_t kPort = 110;

Finding ConnectFinding(const io::Error& error, bool expired) {
  if (expired || error.code == ETIMEDOUT) return {Fault::kSilent, "no answer"};
  switch (error.code) {
    case ECONNREFUSED:
      return {Fault::kRefused, "connection refused"};
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
      return {Fault::kUnreachable, error.Text()};
    case ECANCELED:
      return {Fault::kSilent, "no answer"};
    case ECONNRESET:
      return {Fault::kReset, "the connection was reset"};
    default:
      return {Fault::kLocal, error.Text()};
  }
}

// After it nobody can go on with the connection.
bool EndsDialogue(Fault fault) {
  switch (fault) {
    case Fault::kClosed:
    case Fault::kReset:
    case Fault::kTimeout:
    case Fault::kNonsense:
    case Fault::kTooMuch:
    case Fault::kLocal:
    case Fault::kTlsBroken:
    case Fault::kTlsWantsCertificate:
      return true;
    default:
      return false;
  }
}

}  // namespace

AccountProbe::AccountProbe(io::Proactor& proactor, io::Resolver& resolver,
                           const ProbeOptions& options)
    : proactor_(proactor),
      resolver_(resolver),
      options_(options),
      timer_(proactor.timers(), &AccountProbe::OnTimeout, this) {
  const pop3::SaslIdentity& who = options_.credential->identity;
  shown_.Hide(who.user, who.secret.Expose());
  report_.target = options_.target.host;
  if (options_.target.port) report_.target += ":" + std::to_string(*options_.target.port);
  report_.user = who.user;
  report_.security = options_.security;
  report_.timeout = options_.timeout;
  report_.steps.reserve(kStepCount);
}

void AccountProbe::OnTimeout(void* context) {
  auto* self = static_cast<AccountProbe*>(context);
  self->resolver_.Stop();
  self->dialogue_.Expire();
}

io::Task<AccountReport> AccountProbe::Run() {
  const io::Time begun = proactor_.Now();
  report_.unix_seconds = proactor_.clock().UnixMicros() / 1'000'000;
  end_ = begun + options_.timeout;
  timer_.Arm(end_);
  bool good = co_await Open();
  if (good) good = co_await Capabilities();
  if (good) good = co_await LogIn();
  if (good) co_await Read();
  SkipTheRest();
  if (greeted_) co_await Quit();
  co_await dialogue_.Close();
  timer_.Disarm();
  dialogue_.Use(nullptr);
  report_.took = proactor_.Now() - begun;
  co_return std::move(report_);
}

StepResult& AccountProbe::Begin(Step step) {
  begun_ = proactor_.Now();
  return report_.steps.emplace_back(StepResult{.step = step});
}

bool AccountProbe::End(StepResult& step, std::string detail) {
  step.took = proactor_.Now() - begun_;
  step.detail = std::move(detail);
  step.outcome = step.findings.empty() ? Outcome::kPassed : Outcome::kWarned;
  return true;
}

bool AccountProbe::Fail(StepResult& step, Finding finding) {
  step.took = proactor_.Now() - begun_;
  step.outcome = Outcome::kFailed;
  if (EndsDialogue(finding.fault)) greeted_ = false;
  step.findings.push_back(std::move(finding));
  return false;
}

void AccountProbe::Skip(Step step, std::string why) {
  report_.steps.push_back({.step = step, .outcome = Outcome::kSkipped, .detail = std::move(why)});
}

// All but QUIT, which comes whatever has failed, where anybody listens.
void AccountProbe::SkipTheRest() {
  const std::vector<Step> all = StepsOf(options_.security);
  for (size_t i = report_.steps.size(); i < all.size(); ++i) {
    if (all[i] != Step::kQuit || !greeted_) Skip(all[i], "not reached");
  }
}

io::Task<bool> AccountProbe::Open() {
  std::vector<Server> servers;
  bool good = co_await Resolve(&servers);
  if (good) good = co_await Connect(std::move(servers));
  if (good && options_.security == Security::kTls) good = co_await Secure();
  if (good) good = co_await Greeting();
  if (good && options_.security == Security::kStls) good = co_await Stls();
  if (good && options_.security == Security::kStls) good = co_await Secure();
  co_return good;
}

io::Task<bool> AccountProbe::Resolve(std::vector<Server>* servers) {
  StepResult& step = Begin(Step::kResolve);
  const bool tls = options_.security == Security::kTls;
  FoundServers found =
      co_await FindServers(proactor_, resolver_, options_.target,
                           tls ? "_pop3s._tcp" : "_pop3._tcp", tls ? kPortTls : kPort, shown_);
  step = std::move(found.step);
  step.took = proactor_.Now() - begun_;
  *servers = std::move(found.servers);
  if (!servers->empty()) server_ = servers->front();
  report_.host = servers->empty() ? options_.target.host : servers->front().host;
  co_return !servers->empty();
}

// Each address has an equal share of the time that is left, so that a silent one doesn't keep the
// others from being tried.
io::Task<bool> AccountProbe::Connect(std::vector<Server> servers) {
  StepResult& step = Begin(Step::kConnect);
  for (size_t i = 0; i < servers.size(); ++i) {
    server_ = servers[i];
    const io::Duration left = end_ - proactor_.Now();
    auto trouble =
        co_await ConnectTo(server_.address, left / static_cast<int64_t>(servers.size() - i));
    if (!trouble) {
      for (Finding& finding : step.findings) finding.fault = Fault::kAddressFailed;
      report_.host = server_.host;
      report_.address = server_.address.Text();
      co_return End(step, report_.address);
    }
    dialogue_.Use(nullptr);
    trouble->text = server_.address.Text() + ": " + trouble->text;
    step.findings.push_back(std::move(*trouble));
  }
  Finding last = std::move(step.findings.back());
  step.findings.pop_back();
  co_return Fail(step, std::move(last));
}

io::Task<std::optional<Finding>> AccountProbe::ConnectTo(io::Address address,
                                                         io::Duration patience) {
  auto opened = io::OpenStream(proactor_, address.family());
  if (!opened) co_return ConnectFinding(opened.error(), false);
  io::SocketStream& transport = **opened;
  dialogue_.Use(std::move(*opened));
  const io::Deadline deadline(proactor_, patience, transport);
  const io::Result<> connected = co_await transport.Connect(address);
  if (connected) co_return std::nullopt;
  co_return ConnectFinding(connected.error(), deadline.expired());
}

io::Task<bool> AccountProbe::Greeting() {
  StepResult& step = Begin(Step::kGreeting);
  const auto line = co_await dialogue_.ReadLine(pop3::kReplyLineBytesMax);
  if (!line) {
    const Fault speaks = WhatSpeaks(dialogue_.fragment());
    if (line.error().fault == Fault::kTooMuch && speaks != Fault::kPlainPop3)
      co_return Fail(step, {speaks, shown_(dialogue_.fragment())});
    co_return Fail(step, line.error());
  }
  const auto reply = pop3::ParseReply(*line);
  if (!reply) {
    const Fault speaks = WhatSpeaks(*line);
    const bool known = speaks != Fault::kNone && speaks != Fault::kPlainPop3;
    co_return Fail(step, {known ? speaks : Fault::kSpeaksOther, shown_(*line)});
  }
  greeted_ = true;
  if (!reply->ok) {
    greeted_ = false;
    co_return Fail(step, {Fault::kTurnedAway, shown_(*line)});
  }
  if (dialogue_.has_stray_bytes())
    co_return Fail(step, {Fault::kNonsense, "more than one line of greeting"});
  co_return End(step, shown_(*line));
}

// RFC 2595. What comes ahead of the handshake was put there by somebody on the way.
io::Task<bool> AccountProbe::Stls() {
  StepResult& step = Begin(Step::kStls);
  const auto line = co_await dialogue_.Ask("STLS");
  if (!line) co_return Fail(step, line.error());
  if (!line->starts_with('+')) co_return Fail(step, {Fault::kStlsRefused, shown_(*line)});
  if (dialogue_.has_stray_bytes()) {
    greeted_ = false;
    co_return Fail(step, {Fault::kStlsInjection, "unprotected bytes behind the answer to STLS"});
  }
  co_return End(step, shown_(*line));
}

namespace {

Fault FaultOf(const tls::Engine& engine) {
  // "handshake_failure" is how a server says that nothing that was offered suits it.
  const bool unsuited = engine.failure_text().find("HANDSHAKE_FAILURE") != std::string_view::npos;
  switch (engine.failure()) {
    case tls::FailureReason::kUnsupportedVersion:
      return Fault::kTlsVersion;
    case tls::FailureReason::kNoSharedCipher:
      return Fault::kTlsCipher;
    case tls::FailureReason::kAlpnMismatch:
      return Fault::kTlsAlpn;
    case tls::FailureReason::kCertificateRejected:
      return Fault::kTlsWantsCertificate;
    default:
      return unsuited ? Fault::kTlsCipher : Fault::kTlsBroken;
  }
}

}  // namespace

io::Task<bool> AccountProbe::Secure() {
  StepResult& step = Begin(Step::kTls);
  auto overheard = std::make_unique<OverheardStream>(dialogue_.TakeStream());
  const OverheardStream& heard = *overheard;
  const std::string& name = options_.server_name.empty() ? server_.host : options_.server_name;
  auto made = std::make_unique<tls::TlsStream>(
      std::move(overheard), options_.tls->NewConnection(name, report_.unix_seconds),
      proactor_.buffers(), proactor_.ready());
  tls::TlsStream& stream = *made;
  dialogue_.Use(std::move(made), &stream);
  const io::Result<> done = co_await stream.Handshake();
  const tls::Engine& engine = stream.engine();
  if (!done) {
    greeted_ = false;
    const Fault speaks = WhatSpeaks(heard.first_bytes());
    if (done.error().code == EPROTO && speaks != Fault::kNone && speaks != Fault::kSpeaksTls)
      co_return Fail(step, {speaks, shown_(heard.first_bytes())});
    if (done.error().code == EPROTO)
      co_return Fail(step, {FaultOf(engine), shown_(engine.failure_text())});
    co_return Fail(step,
                   done.error().reset()
                       ? Finding{Fault::kClosed, "the server left in the midst of the handshake"}
                       : dialogue_.FromIo(done.error()));
  }
  const tls::HandshakeFacts facts = engine.facts();
  report_.secured = Secured{.version = std::string(facts.version),
                            .cipher = std::string(facts.cipher),
                            .alpn = shown_(facts.alpn)};
  End(step, report_.secured->version + ", " + report_.secured->cipher +
                (facts.alpn.empty() ? ", no ALPN" : ", ALPN " + report_.secured->alpn));
  co_return CheckCertificate(engine);
}

namespace {

Fault FaultOf(tls::CertificateFault::Kind kind) {
  using Kind = tls::CertificateFault::Kind;
  switch (kind) {
    case Kind::kExpired:
      return Fault::kExpired;
    case Kind::kNotYetValid:
      return Fault::kNotYetValid;
    case Kind::kWrongName:
      return Fault::kWrongName;
    case Kind::kSelfSigned:
      return Fault::kSelfSigned;
    case Kind::kIncompleteChain:
      return Fault::kIncompleteChain;
    case Kind::kUnknownAuthority:
      return Fault::kUnknownAuthority;
    case Kind::kOther:
      break;
  }
  return Fault::kUnacceptable;
}

std::string Names(const tls::CertificateFacts& facts) {
  std::string names;
  for (const auto* list : {&facts.dns_names, &facts.ip_addresses}) {
    for (const std::string& name : *list) names.append(names.empty() ? "" : ", ").append(name);
  }
  return names.empty() ? facts.subject : names;
}

}  // namespace

// Nothing has been said over this connection yet, and nothing will be if the certificate is wrong.
bool AccountProbe::CheckCertificate(const tls::Engine& engine) {
  StepResult& step = Begin(Step::kCertificate);
  for (const std::string_view der : engine.peer_chain()) {
    if (report_.secured->chain.size() == kChainShownMax) break;
    report_.secured->chain.push_back(tls::DescribeDer(der));
  }
  for (const tls::CertificateFault& fault : engine.certificate_faults())
    step.findings.push_back({FaultOf(fault.kind), shown_(fault.text)});
  const bool bad = !step.findings.empty() || report_.secured->chain.empty();
  if (report_.secured->chain.empty())
    step.findings.push_back({Fault::kUnacceptable, "the server showed no certificate"});
  const int64_t days = CertificateDays(report_).value_or(0);
  std::string detail;
  if (!report_.secured->chain.empty()) {
    const tls::CertificateFacts& own = report_.secured->chain.front();
    detail = "for " + shown_(Names(own)) + "; by " + shown_(own.issuer) + "; until " +
             tls::FormatUtc(own.not_after) + " (" + std::to_string(days) + " days); " +
             std::to_string(report_.secured->chain.size()) + " in the chain";
  }
  if (!bad && days < options_.certificate_days)
    step.findings.push_back(
        {Fault::kExpiresSoon, "it expires in " + std::to_string(days) + " days"});
  End(step, std::move(detail));
  if (!bad || options_.insecure) return true;
  step.outcome = Outcome::kFailed;
  greeted_ = false;
  return false;
}

}  // namespace poplar::account_probe
