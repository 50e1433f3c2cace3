#include "proxy/cli/probe_command.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <tl/expected.hpp>
#include <utility>

#include "metrics/json.h"
#include "proxy/account_probe/account_probe.h"
#include "proxy/account_probe/compare.h"
#include "proxy/account_probe/report_json.h"
#include "proxy/account_probe/report_nagios.h"
#include "proxy/account_probe/report_text.h"
#include "proxy/account_probe/verdict.h"
#include "proxy/cli/secret_input.h"
#include "proxy/config/address_text.h"
#include "proxy/config/quote.h"
#include "proxy/config/units.h"
#include "proxy/io/cares_resolver.h"
#include "proxy/io/engine.h"
#include "proxy/io/system_clock.h"
#include "proxy/io/task_scope.h"
#include "proxy/tls/client_context.h"

namespace poplar::cli {
namespace {

namespace probe = account_probe;

template <class T>
using Or = tl::expected<T, std::string>;

// What one probe needs and the other of a pair may share.
struct Plan {
  probe::ProbeOptions options;
  probe::ProbeOptions direct;  // of a pair only
  probe::Patience patience;
  io::ResolverOptions resolver;
  pop3::Credential credential;
};

int Exit(probe::Status status) { return static_cast<int>(status); }

// What couldn't even be tried, in the form that was asked for.
int Unknown(const ProbeCommand& command, const std::string& text, std::ostream& out,
            std::ostream& err) {
  if (command.nagios) {
    out << probe::NagiosLine(probe::Status::kUnknown, text, "");
  } else if (command.json) {
    out << metrics::JsonObject().Text("status", "UNKNOWN").Text("summary", text).End() << "\n";
  } else {
    err << "poplar: error: " << text << "\n";
  }
  out.flush();
  return Exit(probe::Status::kUnknown);
}

Or<probe::Target> ParseTarget(const std::string& text) {
  std::string_view bare = text;
  if (bare.starts_with('[') && bare.ends_with(']')) bare = bare.substr(1, bare.size() - 2);
  if (config::IsIpAddress(bare) || config::IsHostName(bare))
    return probe::Target{.host = std::string(bare)};
  const auto parsed = config::ParseHostPort(text);
  if (!parsed) return tl::unexpected(parsed.error() + "; expected HOST or HOST:PORT");
  if (parsed->port == 0) return tl::unexpected(config::Quote(text) + ": port 0 is none");
  return probe::Target{.host = parsed->host, .port = parsed->port};
}

Or<io::Duration> ParseTime(const std::string& text, const char* option) {
  const auto parsed = config::ParseDuration(text);
  if (!parsed) return tl::unexpected(std::string(option) + ": " + parsed.error().message);
  if (*parsed <= config::Duration::zero())
    return tl::unexpected(std::string(option) + ": has to be longer than nothing");
  return io::Duration(*parsed);
}

std::string AskedFor(const ProbeCommand& command) {
  return command.token_file.empty() ? "password" : "token";
}

Or<pop3::Credential> MakeCredential(const ProbeCommand& command, std::ostream& err) {
  const std::string& file = command.token_file.empty() ? command.password_file : command.token_file;
  auto secret = !file.empty() ? ReadSecretFile(file)
                : isatty(STDIN_FILENO) == 1
                    ? AskForSecret(STDIN_FILENO, "Password of " + command.user + ": ", err)
                    : ReadSecretLine(STDIN_FILENO, "standard input (--password-file names a file)");
  if (!secret) return tl::unexpected("the " + AskedFor(command) + ": " + secret.error());
  pop3::Credential credential = pop3::PasswordCredential(command.user, std::move(*secret));
  if (!command.token_file.empty())
    credential.mechanism =
        command.xoauth2 ? pop3::Mechanism::kXoauth2 : pop3::Mechanism::kOauthBearer;
  return credential;
}

probe::Security SecurityOf(bool stls, bool plain) {
  return plain ? probe::Security::kPlain : stls ? probe::Security::kStls : probe::Security::kTls;
}

// Sets what depends on how the server is reached.
std::string SetWay(probe::ProbeOptions& options, const std::string& target,
                   probe::Security security, const std::string& ca_file,
                   const std::string& server_name) {
  auto parsed = ParseTarget(target);
  if (!parsed) return parsed.error();
  options.target = std::move(*parsed);
  options.security = security;
  options.server_name = server_name;
  options.tls = nullptr;
  if (security == probe::Security::kPlain) return {};
  auto context = tls::ClientContext::Create(
      {.verify = tls::ClientSettings::Verify::kReport, .ca_file = ca_file});
  if (!context) return context.error();
  options.tls = std::move(*context);
  return {};
}

// The reason why not, or empty.
std::string SetWays(const ProbeCommand& command, Plan& plan) {
  const bool pair = command.target.empty();
  const probe::Security security = SecurityOf(command.stls, command.plain);
  std::string wrong = SetWay(plan.options, pair ? command.via : command.target, security,
                             command.ca_file, command.server_name);
  if (!wrong.empty() || !pair) return wrong;
  const bool own = command.direct_tls || command.direct_stls || command.direct_plain;
  plan.direct = plan.options;
  return SetWay(plan.direct, command.direct,
                own ? SecurityOf(command.direct_stls, command.direct_plain) : security,
                command.direct_ca_file.empty() ? command.ca_file : command.direct_ca_file,
                command.direct_server_name);
}

std::string SetLimits(const ProbeCommand& command, Plan& plan) {
  const auto timeout = ParseTime(command.timeout, "--timeout");
  if (!timeout) return timeout.error();
  plan.options.timeout = *timeout;
  const auto warning = ParseTime(command.warning, "--warning");
  if (!warning) return warning.error();
  plan.patience.warning = *warning;
  if (!command.critical.empty()) {
    const auto critical = ParseTime(command.critical, "--critical");
    if (!critical) return critical.error();
    plan.patience.critical = *critical;
  }
  const auto bytes = config::ParseSize(command.message_bytes);
  if (!bytes) return "--message-bytes: " + bytes.error().message;
  plan.options.message_bytes_max = bytes->bytes;
  return {};
}

std::string CheckTargets(const ProbeCommand& command) {
  const bool some = !command.via.empty() || !command.direct.empty();
  if (!command.target.empty() && some)
    return "give HOST, or --via and --direct, and not all of them";
  if (command.target.empty() && !some) return "no server: give HOST, or --via and --direct";
  if (some && (command.via.empty() || command.direct.empty()))
    return "--via and --direct go together: the one through Poplar, the other to the node";
  return {};
}

Or<std::unique_ptr<Plan>> MakePlan(const ProbeCommand& command, std::ostream& err) {
  auto plan = std::make_unique<Plan>();
  std::string wrong = CheckTargets(command);
  if (wrong.empty()) wrong = SetLimits(command, *plan);
  plan->options.insecure = command.insecure;
  plan->options.certificate_days = command.certificate_days;
  plan->options.message = command.message == "none"     ? probe::MessageChoice::kNone
                          : command.message == "newest" ? probe::MessageChoice::kNewest
                                                        : probe::MessageChoice::kSmallest;
  plan->options.credential = &plan->credential;
  plan->options.id_key = io::SystemRandom().Next();
  plan->resolver.patience = plan->options.timeout;
  if (!command.name_server.empty()) plan->resolver.name_servers = {command.name_server};
  if (wrong.empty()) wrong = SetWays(command, *plan);
  if (!wrong.empty()) return tl::unexpected(wrong);
  // Last: nobody types a password for a command that can't be run.
  auto credential = MakeCredential(command, err);
  if (!credential) return tl::unexpected(credential.error());
  plan->credential = std::move(*credential);
  return plan;
}

io::Task<void> RunAndStop(probe::AccountProbe& account, io::Proactor& proactor,
                          std::optional<probe::AccountReport>* report) {
  report->emplace(co_await account.Run());
  proactor.Stop();
}

// In a world of its own, on this thread.
Or<probe::AccountReport> RunOne(const probe::ProbeOptions& options,
                                const io::ResolverOptions& servers) {
  constexpr size_t kBufferBytes = size_t{8} << 20;
  const io::SystemClock clock;
  io::SystemRandom random;
  auto proactor = io::OpenWished(io::EngineWish::kAuto, clock, random,
                                 {.ring_entries = 64, .buffer_bytes_max = kBufferBytes});
  if (!proactor) return tl::unexpected(proactor.error().text);
  auto resolver = io::CaresResolver::Create(servers);
  if (!resolver) return tl::unexpected("--name-server: " + resolver.error());
  std::optional<probe::AccountReport> report;
  probe::AccountProbe account(**proactor, **resolver, options);
  io::TaskScope scope((*proactor)->ready());
  scope.Spawn(RunAndStop(account, **proactor, &report));
  (*proactor)->Run();
  return std::move(*report);
}

// Whether this terminal, or whoever reads it, takes UTF-8: what the C library would find.
probe::Marks MarksFor(const ProbeCommand& command) {
  if (command.ascii) return probe::Marks::kAscii;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    std::string locale(value);
    std::transform(locale.begin(), locale.end(), locale.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const bool utf8 = locale.find("utf-8") != locale.npos || locale.find("utf8") != locale.npos;
    return utf8 ? probe::Marks::kUnicode : probe::Marks::kAscii;
  }
  return probe::Marks::kAscii;
}

std::string Render(const ProbeCommand& command, const Plan& plan,
                   const probe::AccountReport& report, const probe::Verdict& verdict) {
  if (command.nagios)
    return probe::ReportNagios(report, verdict, plan.patience, command.certificate_days);
  if (command.json) return probe::ReportJson(report, verdict) + "\n";
  return probe::ReportText(report, verdict, MarksFor(command));
}

std::string Render(const ProbeCommand& command, const Plan& plan, const probe::Pair& pair,
                   const probe::Verdict& verdict) {
  if (command.nagios)
    return probe::CompareNagios(pair, verdict, plan.patience, command.certificate_days);
  if (command.json) return probe::CompareJson(pair, verdict, plan.patience) + "\n";
  return probe::CompareText(pair, verdict, MarksFor(command));
}

int Print(const std::string& text, probe::Status status, std::ostream& out) {
  out << text << std::flush;
  return Exit(out.good() ? status : probe::Status::kUnknown);
}

// The node first, and not both at once: it may give the maildrop to one session at a time, and
// Poplar may keep its own for a while.
int RunPair(const ProbeCommand& command, Plan& plan, std::ostream& out, std::ostream& err) {
  const io::Duration all = plan.options.timeout;
  plan.direct.timeout = all / 2;
  const auto direct = RunOne(plan.direct, plan.resolver);
  if (!direct) return Unknown(command, direct.error(), out, err);
  plan.options.timeout = std::max<io::Duration>(all - direct->took, all / 2);
  const auto via = RunOne(plan.options, plan.resolver);
  if (!via) return Unknown(command, via.error(), out, err);
  const probe::Pair pair{.direct = *direct, .via = *via};
  const probe::Verdict verdict = probe::Judge(pair, plan.patience);
  return Print(Render(command, plan, pair, verdict), verdict.status, out);
}

}  // namespace

int RunProbe(const ProbeCommand& command, std::ostream& out, std::ostream& err) {
  auto plan = MakePlan(command, err);
  if (!plan) return Unknown(command, plan.error(), out, err);
  if (command.target.empty()) return RunPair(command, **plan, out, err);
  const auto report = RunOne((*plan)->options, (*plan)->resolver);
  if (!report) return Unknown(command, report.error(), out, err);
  const probe::Verdict verdict = probe::Judge(*report, (*plan)->patience);
  return Print(Render(command, **plan, *report, verdict), verdict.status, out);
}

}  // namespace poplar::cli
