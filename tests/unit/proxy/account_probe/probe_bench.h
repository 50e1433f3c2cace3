#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/account_probe/account_probe.h"
#include "proxy/io/socket_stream.h"
#include "proxy/io/task_scope.h"
#include "proxy/tls/client_context.h"
#include "proxy/tls/server_context.h"
#include "proxy/tls/stream.h"
#include "tests/simulation/network.h"
#include "tests/simulation/sim_proactor.h"
#include "tests/unit/proxy/tls/issue_certificate.h"
#include "tests/unit/proxy/upstream/scripted_resolver.h"

namespace poplar::account_probe {

// How a server of the tests answers. A command's whole line counts before its keyword; what has no
// answer stays without one. "\xff" closes the connection where it stands.
struct ServerScript {
  std::string greeting = "+OK ready\r\n";
  std::map<std::string, std::string, std::less<>> answers = {
      {"STLS", "+OK begin\r\n"},
      {"CAPA", "+OK\r\nTOP\r\nUIDL\r\nSASL PLAIN LOGIN\r\n.\r\n"},
      {"AUTH PLAIN AGFubmEAc2VjcmV0", "+OK Logged in.\r\n"},
      {"USER", "+OK\r\n"},
      {"PASS", "+OK Logged in.\r\n"},
      {"STAT", "+OK 3 600\r\n"},
      {"LIST", "+OK\r\n1 300\r\n2 14\r\n3 286\r\n.\r\n"},
      {"UIDL", "+OK\r\n1 a\r\n2 b\r\n3 c\r\n.\r\n"},
      {"RETR", "+OK\r\nSubject: x\r\n\r\n.\r\n"},
      {"QUIT", "+OK bye\r\n\xff"},
  };
  Security security = Security::kTls;
};

// A mail server in a simulated world, a name server, and probes of an account there. Its
// certificate is for mail.example, by an authority that the probe trusts.
class ProbeBench {
 public:
  explicit ProbeBench(ServerScript server = {}, const simulation::Faults& faults = {},
                      uint64_t seed = 7)
      : script(std::move(server)), world_(seed), network_(world_, faults) {
    std::ofstream(ca_file_) << authority_.certificate;
    ShowCertificate({});
    resolver.SetHost("mail.example", {"192.0.2.10"});
    options.target = {.host = "mail.example", .port = 995};
    options.security = script.security;
    options.credential = &credential;
    if (script.security != Security::kPlain) TrustAuthority(ca_file_);
    listener_ = *node_.Listen(*io::Address::Parse("192.0.2.10", 995), {});
    node_scope_.Spawn(AcceptAll());
  }
  ~ProbeBench() {
    node_.Abort(listener_);
    for (const auto& [socket, stream] : open_) stream->Abort();
    EXPECT_TRUE(Run([this] { return node_scope_.count() == 0 && scope_.count() == 0; }));
    node_.MustBeIdle();
    probe_.MustBeIdle();
    std::remove(ca_file_.c_str());
  }
  ProbeBench(const ProbeBench&) = delete;
  ProbeBench& operator=(const ProbeBench&) = delete;

  // The server's, from now on; times as days from the world's now.
  struct Shown {
    std::vector<std::string> names = {"mail.example"};
    int from = -1;
    int until = 90;
    bool self_signed = false;
  };
  void ShowCertificate(const Shown& shown) {
    const int64_t now = world_.clock().UnixMicros() / 1'000'000;
    certificate_ = tls::IssueCertificate({.subject = shown.names.front(),
                                          .dns_names = shown.names,
                                          .not_before = now + shown.from * tls::kDay,
                                          .not_after = now + shown.until * tls::kDay + 60,
                                          .issuer = shown.self_signed ? nullptr : &authority_});
    server_ = *tls::ServerContext::Create({.certificates_in_memory = {certificate_}});
  }
  void TrustAuthority(const std::string& ca_file) {
    options.tls = *tls::ClientContext::Create(
        {.verify = tls::ClientSettings::Verify::kReport, .ca_file = ca_file});
  }

  bool Run(const std::function<bool()>& predicate) {
    return world_.RunUntil(predicate, std::chrono::hours(1));
  }
  AccountReport Probe() {
    AccountProbe account(probe_, resolver, options);
    std::optional<AccountReport> report;
    scope_.Spawn(ProbeTask(account, &report));
    EXPECT_TRUE(Run([&report] { return report.has_value(); })) << world_.why_not();
    return report.value_or(AccountReport{});
  }

  ServerScript script;
  upstream::ScriptedResolver resolver;
  pop3::Credential credential = pop3::PasswordCredential("anna", pop3::Secret("secret"));
  ProbeOptions options;
  std::string received;  // by the server, over all connections, TLS taken off
  simulation::World& world() { return world_; }
  simulation::Network& network() { return network_; }
  void StopListening() { node_.Abort(listener_); }

 private:
  io::Task<void> ProbeTask(AccountProbe& account, std::optional<AccountReport>* report) {
    report->emplace(co_await account.Run());
  }
  io::Task<void> AcceptAll() {
    for (;;) {
      const io::Result<io::Accepted> accepted = co_await node_.Accept(listener_);
      if (!accepted && accepted.error().cancelled()) break;
      if (!accepted) continue;
      node_scope_.Spawn(Serve(accepted->socket));
    }
    node_.Close(listener_);
  }

  // Sends, and says whether the connection goes on.
  static io::Task<bool> Give(io::Stream& stream, std::string bytes) {
    const bool closes = bytes.ends_with('\xff');
    if (closes) bytes.pop_back();
    if (!bytes.empty() && !co_await stream.Write(bytes)) co_return false;
    if (closes) co_await stream.ShutdownWrite();
    co_return !closes;
  }
  std::string AnswerTo(std::string_view line) const {
    auto found = script.answers.find(line);
    if (found == script.answers.end()) found = script.answers.find(line.substr(0, line.find(' ')));
    return found == script.answers.end() ? std::string() : found->second;
  }
  // Until the client leaves, or STLS; true: that.
  io::Task<bool> Converse(io::Stream& stream) {
    std::string rest;
    for (;;) {
      const io::Result<io::Buffer> some = co_await stream.Read();
      if (!some || some->empty()) co_return false;
      rest += some->bytes();
      for (size_t end = rest.find("\r\n"); end != rest.npos; end = rest.find("\r\n")) {
        const std::string line = rest.substr(0, end);
        rest.erase(0, end + 2);
        received += line + "\n";
        const std::string answer = AnswerTo(line);
        if (!co_await Give(stream, answer)) co_return false;
        if (line == "STLS" && answer == "+OK begin\r\n") co_return true;
      }
    }
  }
  io::Task<void> Serve(io::SocketId socket) {
    std::unique_ptr<io::Stream> stream = std::make_unique<io::SocketStream>(node_, socket);
    open_[socket] = stream.get();
    co_await ServeOver(stream, socket);
    open_.erase(socket);
  }
  io::Task<void> ServeOver(std::unique_ptr<io::Stream>& stream, io::SocketId socket) {
    if (script.security != Security::kTls) {
      if (!co_await Give(*stream, script.greeting)) co_return;
      const bool stls = co_await Converse(*stream);
      if (!stls) co_return;
    }
    auto secured = std::make_unique<tls::TlsStream>(std::move(stream), server_->NewConnection(),
                                                    node_.buffers(), node_.ready());
    tls::TlsStream& handshaking = *secured;
    stream = std::move(secured);
    open_[socket] = stream.get();
    const io::Result<> done = co_await handshaking.Handshake();
    if (!done) co_return;
    if (script.security == Security::kTls && !co_await Give(*stream, script.greeting)) co_return;
    co_await Converse(*stream);
  }

  simulation::World world_;
  simulation::Network network_;
  const tls::CertificatePem authority_ = tls::IssueCertificate(
      {.subject = "Test CA",
       .dns_names = {},
       .not_before = world_.clock().UnixMicros() / 1'000'000 - 365 * tls::kDay,
       .not_after = world_.clock().UnixMicros() / 1'000'000 + 3650 * tls::kDay,
       .authority = true});
  const std::string ca_file_ = testing::TempDir() + "probe_ca_" + std::to_string(getpid()) + ".pem";
  tls::CertificatePem certificate_;
  std::shared_ptr<const tls::ServerContext> server_;
  simulation::SimProactor node_{network_, "server", *io::Address::Parse("192.0.2.10", 0)};
  simulation::SimProactor probe_{network_, "probe", *io::Address::Parse("192.0.2.1", 0)};
  io::TaskScope node_scope_{node_.ready()};
  io::TaskScope scope_{probe_.ready()};
  io::SocketId listener_ = io::SocketId::kNone;
  std::map<io::SocketId, io::Stream*> open_;
};

// "resolve passed, connect passed ..."; what was skipped is left out.
inline std::string Outcomes(const AccountReport& report) {
  std::string text;
  for (const StepResult& step : report.steps) {
    if (step.outcome == Outcome::kSkipped) continue;
    text.append(text.empty() ? "" : " ").append(Name(step.step));
    if (step.outcome == Outcome::kWarned) text += "!";
    if (step.outcome == Outcome::kFailed) text += "#";
  }
  return text;
}

// The faults of a step, in order.
inline std::vector<Fault> Faults(const AccountReport& report, Step step) {
  std::vector<Fault> faults;
  const StepResult* found = report.Find(step);
  if (found == nullptr) return faults;
  for (const Finding& finding : found->findings) faults.push_back(finding.fault);
  return faults;
}

}  // namespace poplar::account_probe
