#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/account_probe/account_report.h"
#include "proxy/account_probe/account_steps.h"
#include "proxy/account_probe/dialogue.h"
#include "proxy/account_probe/find_servers.h"
#include "proxy/account_probe/shown_text.h"
#include "proxy/account_probe/size_listing.h"
#include "proxy/io/proactor.h"
#include "proxy/io/resolver.h"
#include "proxy/pop3/capabilities.h"
#include "proxy/pop3/credential.h"
#include "proxy/pop3/node_login.h"
#include "proxy/tls/client_context.h"

namespace poplar::account_probe {

enum class MessageChoice : uint8_t { kSmallest, kNewest, kNone };

struct ProbeOptions {
  Target target;
  Security security = Security::kTls;
  // With Verify::kReport; null only with kPlain.
  std::shared_ptr<const tls::ClientContext> tls = nullptr;
  std::string server_name = {};  // of the certificate; empty: the host's
  bool insecure = false;         // goes on whatever the certificate is
  // Which login it is. Outlives the probe.
  const pop3::Credential* credential = nullptr;
  MessageChoice message = MessageChoice::kSmallest;
  uint64_t message_bytes_max = uint64_t{1} << 20;
  io::Duration timeout = std::chrono::seconds(20);  // for all of it
  int certificate_days = 21;  // a certificate that is good for less is worth a warning
  uint64_t id_key = 0;        // of the hashes; the same for reports that are to be compared
};

// Tries one account once, step by step, as a mail client's "test account settings" does, and
// changes nothing in it: no DELE, no RSET. It ends with QUIT wherever the server still listens.
class AccountProbe {
 public:
  // Both, and what the options point to, must outlive it. The resolver is stopped when the time is
  // up: it is this probe's own.
  AccountProbe(io::Proactor& proactor, io::Resolver& resolver, const ProbeOptions& options);

  // Once.
  io::Task<AccountReport> Run();

 private:
  using Way = pop3::NodeLogin::Action;

  static void OnTimeout(void* context);

  StepResult& Begin(Step step);
  // Both return whether the probe goes on.
  bool End(StepResult& step, std::string detail);
  bool Fail(StepResult& step, Finding finding);
  void Skip(Step step, std::string why);
  void SkipTheRest();

  io::Task<bool> Open();
  io::Task<bool> Resolve(std::vector<Server>* servers);
  io::Task<bool> Connect(std::vector<Server> servers);
  io::Task<std::optional<Finding>> ConnectTo(io::Address address, io::Duration patience);
  io::Task<bool> Greeting();
  io::Task<bool> Stls();
  io::Task<bool> Secure();
  bool CheckCertificate(const tls::Engine& engine);

  io::Task<bool> Capabilities();
  io::Task<bool> LogIn();
  io::Task<Way::Kind> Converse(std::string* line, std::optional<Finding>* trouble);
  std::string AnswerToQuestion(std::string_view question);
  Finding Refusal(std::string_view line) const;

  io::Task<void> Read();
  io::Task<bool> Stat();
  io::Task<bool> List();
  io::Task<bool> Uidl();
  io::Task<bool> Message();
  // Whether it may be read at all; skips the step otherwise.
  bool ChooseMessage(SizeListing::Message* chosen);
  io::Task<void> Quit();

  io::Proactor& proactor_;
  io::Resolver& resolver_;
  const ProbeOptions options_;
  ShownText shown_;
  Dialogue dialogue_{shown_};
  AccountReport report_;
  io::Time end_{};
  io::Time begun_{};  // the step under way
  io::Timer timer_;
  Server server_;  // that was connected to
  std::optional<pop3::Capabilities> offered_;
  std::string token_fault_;  // what the server said of a token
  SizeListing sizes_;
  bool greeted_ = false;  // and, as far as is known, still listening: it is owed a QUIT
};

}  // namespace poplar::account_probe
