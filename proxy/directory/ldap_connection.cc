#include "proxy/directory/ldap_connection.h"

#include <lber.h>
#include <ldap.h>
#include <sasl/sasl.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>

#include "proxy/io/name_lookup.h"
#include "proxy/tls/client_context.h"

namespace poplar::directory {
namespace {

using Failure = LdapConnection::Failure;

// Between two looks at whether to stop.
constexpr io::Duration kLookInterval = std::chrono::milliseconds(100);
// A failure that takes so long isn't tried again at once.
constexpr io::Duration kCostlyFrom = std::chrono::milliseconds(500);

// Of a kept connection whose server has gone without a word.
constexpr int kKeepAliveIdleSeconds = 60;
constexpr int kKeepAliveIntervalSeconds = 5;
constexpr int kKeepAliveProbes = 3;

timeval ToTimeval(io::Duration duration) {
  // Zero would mean no limit to some of libldap.
  const auto micros = std::max<int64_t>(
      1000, std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
  timeval time{};
  time.tv_sec = micros / 1'000'000;
  time.tv_usec = micros % 1'000'000;
  return time;
}

void SetNumber(LDAP* handle, int option, int value) { ldap_set_option(handle, option, &value); }
void SetText(LDAP* handle, int option, const std::string& text) {
  if (!text.empty()) ldap_set_option(handle, option, text.c_str());
}

// Of this handle alone: the process' own options are nobody's. False: the files are unfit.
bool MakeTlsContext(LDAP* handle, const LdapSettings& settings, bool with_certificate) {
  SetNumber(handle, LDAP_OPT_X_TLS_REQUIRE_CERT, LDAP_OPT_X_TLS_HARD);
  SetNumber(handle, LDAP_OPT_X_TLS_PROTOCOL_MIN, LDAP_OPT_X_TLS_PROTOCOL_TLS1_2);
  SetText(handle, LDAP_OPT_X_TLS_CACERTFILE,
          settings.ca_file.empty() ? tls::ClientContext::kSystemBundle : settings.ca_file);
  if (with_certificate) {
    const std::string& certificate = settings.client_certificate;
    SetText(handle, LDAP_OPT_X_TLS_CERTFILE, certificate);
    SetText(handle, LDAP_OPT_X_TLS_KEYFILE,
            settings.client_key.empty() ? certificate : settings.client_key);
  }
  const int for_client = 0;
  return ldap_set_option(handle, LDAP_OPT_X_TLS_NEWCTX, &for_client) == LDAP_OPT_SUCCESS;
}

bool WantsTls(const LdapSettings& settings, const std::string& url) {
  return url.starts_with("ldaps:") || (settings.start_tls && url.starts_with("ldap:"));
}

int ScopeOf(LdapScope scope) {
  switch (scope) {
    case LdapScope::kBase:
      return LDAP_SCOPE_BASE;
    case LdapScope::kOne:
      return LDAP_SCOPE_ONELEVEL;
    case LdapScope::kSubtree:
      break;
  }
  return LDAP_SCOPE_SUBTREE;
}

std::optional<Failure> Impatience(const LdapPatience& patience) {
  if (patience.stopped()) return Failure{.text = "is asked no more: Poplar stops"};
  if (patience.Left() == io::Duration::zero())
    return Failure{.text = "gave no answer in time", .costly = true};
  return std::nullopt;
}

// No such folder. libldap sets Cyrus SASL up whether it is used or not, and that loads every plugin
// that it finds: Debian's are linked with OpenSSL, which must never meet BoringSSL in one process.
char no_plugins[] = "/nonexistent";

char* Mutable(const std::string& text) { return const_cast<char*>(text.c_str()); }

}  // namespace

void LdapConnection::PrepareLibrary() {
  static std::once_flag once;
  std::call_once(once, [] {
    sasl_set_path(SASL_PATH_TYPE_PLUGIN, no_plugins);
    setenv("LDAPNOINIT", "1", 1);
    LDAP* handle = nullptr;
    if (ldap_create(&handle) == LDAP_SUCCESS) ldap_unbind_ext(handle, nullptr, nullptr);
  });
}

class LdapConnection::Limited {
 public:
  Limited(LdapConnection& connection, const LdapPatience& patience) : limit_(connection.limit_) {
    limit_.set_patience(&patience);
  }
  ~Limited() { limit_.set_patience(nullptr); }
  Limited(const Limited&) = delete;
  Limited& operator=(const Limited&) = delete;

 private:
  LdapReadLimit& limit_;
};

std::string LdapConnection::PrepareTls(LdapSettings& settings) {
  const auto wants = [&](const std::string& url) { return WantsTls(settings, url); };
  if (std::none_of(settings.urls.begin(), settings.urls.end(), wants)) return {};
  LDAP* handle = nullptr;
  if (ldap_create(&handle) != LDAP_SUCCESS) return "libldap can't be set up";
  std::string why;
  if (!MakeTlsContext(handle, settings, false)) {
    why = "ca_file " + settings.ca_file + " has no CA certificates that can be read";
  } else if (!MakeTlsContext(handle, settings, true)) {
    why = "client_certificate " + settings.client_certificate +
          " and its key can't be read, or don't belong together";
  } else {
    // With a count of its own, so that it outlives this handle. There is no word to give it back:
    // they stay, one a directory.
    static std::vector<void*>& all = *new std::vector<void*>;
    ldap_get_option(handle, LDAP_OPT_X_TLS_CTX, static_cast<void*>(&settings.tls_context));
    all.push_back(settings.tls_context);
  }
  ldap_unbind_ext(handle, nullptr, nullptr);
  return why;
}

LdapConnection::~LdapConnection() { ldap_unbind_ext(handle_, nullptr, nullptr); }

LdapConnection::Outcome<std::unique_ptr<LdapConnection>> LdapConnection::Open(
    const LdapSettings& settings, const std::string& url, const LdapPatience& patience) {
  LDAP* handle = nullptr;
  if (ldap_initialize(&handle, url.c_str()) != LDAP_SUCCESS)
    return tl::unexpected(Failure{.text = "can't be made sense of by libldap"});
  std::unique_ptr<LdapConnection> connection(new LdapConnection(settings, handle));
  const Limited limited(*connection, patience);
  const io::Time begun = patience.clock.Now();
  Outcome<void> done = connection->SetUp(url, patience);
  if (done) return connection;
  if (patience.clock.Now() - begun >= kCostlyFrom) done.error().costly = true;
  return tl::unexpected(std::move(done.error()));
}

LdapConnection::Outcome<void> LdapConnection::SetUp(const std::string& url,
                                                    const LdapPatience& patience) {
  limit_.Install(handle_);
  SetNumber(handle_, LDAP_OPT_PROTOCOL_VERSION, LDAP_VERSION3);
  SetNumber(handle_, LDAP_OPT_DEREF, LDAP_DEREF_NEVER);
  ldap_set_option(handle_, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
  SetNumber(handle_, LDAP_OPT_X_KEEPALIVE_IDLE, kKeepAliveIdleSeconds);
  SetNumber(handle_, LDAP_OPT_X_KEEPALIVE_PROBES, kKeepAliveProbes);
  SetNumber(handle_, LDAP_OPT_X_KEEPALIVE_INTERVAL, kKeepAliveIntervalSeconds);
  if (WantsTls(settings_, url)) {
    SetNumber(handle_, LDAP_OPT_X_TLS_REQUIRE_CERT, LDAP_OPT_X_TLS_HARD);
    ldap_set_option(handle_, LDAP_OPT_X_TLS_CTX, settings_.tls_context);
  }
  LimitTime(patience);
  io::LimitNameLookUps();  // which libldap waits for as long as it takes
  errno = 0;
  if (const int code = ldap_connect(handle_); code != LDAP_SUCCESS) {
    const int why = errno;
    Failure failure = Fault(code, "can't be reached", patience);
    // libldap itself doesn't say which.
    if (why == ECONNREFUSED || why == EHOSTUNREACH || why == ENETUNREACH || why == ENOENT)
      failure.text += std::string(": ") + std::strerror(why);
    return tl::unexpected(std::move(failure));
  }
  Sockbuf* socket = nullptr;
  ber_len_t most = kMessageBytesMax;
  if (ldap_get_option(handle_, LDAP_OPT_SOCKBUF, static_cast<void*>(&socket)) == LDAP_OPT_SUCCESS &&
      socket != nullptr)
    ber_sockbuf_ctrl(socket, LBER_SB_OPT_SET_MAX_INCOMING, &most);
  if (settings_.start_tls && url.starts_with("ldap:")) {
    if (Outcome<void> done = StartTls(patience); !done) return done;
  }
  return settings_.password == nullptr ? Outcome<void>() : Bind(patience);
}

// What of libldap waits by itself waits no longer than that.
void LdapConnection::LimitTime(const LdapPatience& patience) {
  const timeval most = ToTimeval(std::min<io::Duration>(patience.Left(), kConnectMax));
  ldap_set_option(handle_, LDAP_OPT_NETWORK_TIMEOUT, &most);
  ldap_set_option(handle_, LDAP_OPT_TIMEOUT, &most);
}

LdapConnection::Outcome<void> LdapConnection::StartTls(const LdapPatience& patience) {
  int question = 0;
  if (const int code = ldap_start_tls(handle_, nullptr, nullptr, &question); code != LDAP_SUCCESS)
    return tl::unexpected(Fault(code, "can't be asked for StartTLS", patience));
  const auto message = Next(question, patience);
  if (!message) return tl::unexpected(message.error());
  const auto code = CodeOf(message->get(), patience);
  if (!code) return tl::unexpected(code.error());
  if (*code != LDAP_SUCCESS) return tl::unexpected(Fault(*code, "refuses StartTLS", patience));
  LimitTime(patience);
  const int installed = ldap_install_tls(handle_);
  if (installed != LDAP_SUCCESS) return tl::unexpected(Fault(installed, "TLS failed", patience));
  return {};
}

LdapConnection::Outcome<void> LdapConnection::Bind(const LdapPatience& patience) {
  const LdapPassword::Shown shown = settings_.password->Get();
  const std::string_view password = shown.secret.Expose();
  berval credential{password.size(), const_cast<char*>(password.data())};
  int question = 0;
  const int sent = ldap_sasl_bind(handle_, settings_.bind_dn.c_str(), LDAP_SASL_SIMPLE, &credential,
                                  nullptr, nullptr, &question);
  if (sent != LDAP_SUCCESS) return tl::unexpected(Fault(sent, "can't be told who asks", patience));
  const auto message = Next(question, patience);
  if (!message) return tl::unexpected(message.error());
  const auto code = CodeOf(message->get(), patience);
  if (!code) return tl::unexpected(code.error());
  if (*code == LDAP_SUCCESS) return {};
  Failure failure = Fault(*code, "doesn't let bind_dn " + settings_.bind_dn + " in", patience);
  if (!shown.trouble.empty())
    failure.text += "; it was shown the password from before, since " + shown.trouble;
  failure.costly = *code != LDAP_BUSY && *code != LDAP_UNAVAILABLE;
  return tl::unexpected(std::move(failure));
}

LdapConnection::Outcome<std::vector<LdapEntry>> LdapConnection::Search(
    const std::string& filter, const LdapPatience& patience) {
  const Limited limited(*this, patience);
  const auto question = BeginSearch(filter, patience);
  if (!question) return tl::unexpected(question.error());
  return Collect(*question, patience);
}

LdapConnection::Outcome<std::vector<LdapEntry>> LdapConnection::Collect(
    int question, const LdapPatience& patience) {
  std::vector<LdapEntry> entries;
  for (int i = 0; i < kMessagesMax; ++i) {
    const auto message = Next(question, patience);
    if (!message) return tl::unexpected(message.error());
    switch (ldap_msgtype(message->get())) {
      case LDAP_RES_SEARCH_ENTRY:
        if (entries.size() < 2) entries.push_back(Read(message->get()));
        break;
      case LDAP_RES_SEARCH_RESULT: {
        const auto code = CodeOf(message->get(), patience);
        if (!code) return tl::unexpected(code.error());
        // More than it was allowed to tell: two are too many already.
        const bool too_many = *code == LDAP_SIZELIMIT_EXCEEDED && !entries.empty();
        if (too_many && entries.size() < 2) entries.push_back({.dn = "others"});
        if (*code == LDAP_SUCCESS || too_many) return entries;
        return tl::unexpected(Fault(*code, "can't say", patience));
      }
      default:
        break;  // a reference to elsewhere: nobody follows it
    }
  }
  return tl::unexpected(Failure{.text = "answered without an end"});
}

LdapConnection::Outcome<int> LdapConnection::BeginSearch(const std::string& filter,
                                                         const LdapPatience& patience) {
  char* attributes[] = {
      Mutable(settings_.place_attribute),
      settings_.login_attribute.empty() ? nullptr : Mutable(settings_.login_attribute), nullptr};
  timeval most = ToTimeval(patience.Left());
  LimitTime(patience);
  int question = 0;
  const int sent =
      ldap_search_ext(handle_, settings_.base.c_str(), ScopeOf(settings_.scope), filter.c_str(),
                      attributes, 0, nullptr, nullptr, &most, 2, &question);
  if (sent != LDAP_SUCCESS) return tl::unexpected(Fault(sent, "can't be asked", patience));
  return question;
}

// The next message of the answer to a question.
LdapConnection::Outcome<LdapConnection::Message> LdapConnection::Next(
    int question, const LdapPatience& patience) {
  for (;;) {
    if (const auto why = Impatience(patience)) return tl::unexpected(*why);
    timeval wait = ToTimeval(std::min<io::Duration>(patience.Left(), kLookInterval));
    LDAPMessage* message = nullptr;
    const int got = ldap_result(handle_, question, LDAP_MSG_ONE, &wait, &message);
    if (got > 0) return Message(message, ldap_msgfree);
    if (got == 0) continue;
    int code = LDAP_SERVER_DOWN;
    ldap_get_option(handle_, LDAP_OPT_RESULT_CODE, &code);
    return tl::unexpected(Fault(code, "ended the connection", patience));
  }
}

// What a result says; its text, if it has one, lies where Fault finds it.
LdapConnection::Outcome<int> LdapConnection::CodeOf(ldapmsg* result, const LdapPatience& patience) {
  int code = LDAP_OTHER;
  const int parsed =
      ldap_parse_result(handle_, result, &code, nullptr, nullptr, nullptr, nullptr, 0);
  if (parsed != LDAP_SUCCESS) return tl::unexpected(Fault(parsed, "answered nonsense", patience));
  return code;
}

LdapEntry LdapConnection::Read(ldapmsg* message) {
  LdapEntry entry;
  if (char* const dn = ldap_get_dn(handle_, message); dn != nullptr) {
    entry.dn = dn;
    ldap_memfree(dn);
  }
  entry.places = Values(message, settings_.place_attribute);
  if (!settings_.login_attribute.empty()) entry.logins = Values(message, settings_.login_attribute);
  return entry;
}

std::vector<std::string> LdapConnection::Values(ldapmsg* message, const std::string& attribute) {
  std::vector<std::string> values;
  berval** const found = ldap_get_values_len(handle_, message, attribute.c_str());
  if (found == nullptr) return values;
  // Two tell that there is more than one.
  for (size_t i = 0; found[i] != nullptr && i < 2; ++i)
    values.emplace_back(found[i]->bv_val, found[i]->bv_len);
  ldap_value_free_len(found);
  return values;
}

// "can't be reached: Can't contact LDAP server: what the library adds".
LdapConnection::Failure LdapConnection::Fault(int code, const std::string& doing,
                                              const LdapPatience& patience) {
  // What it was in the middle of then doesn't matter.
  if (const auto why = Impatience(patience)) return *why;
  Failure failure{.text = doing + ": " + ldap_err2string(code)};
  failure.lost = code == LDAP_SERVER_DOWN || code == LDAP_CONNECT_ERROR;
  char* more = nullptr;
  ldap_get_option(handle_, LDAP_OPT_DIAGNOSTIC_MESSAGE, static_cast<void*>(&more));
  if (more == nullptr) return failure;
  constexpr size_t kTextMax = 200;
  std::string text(more, std::min(std::strlen(more), kTextMax));
  ldap_memfree(more);
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  // All that there is to hear of a certificate that was refused.
  if (text == "(unknown error code)")
    text = "TLS: the certificate is of none of ca_file's CAs, or for another name, or out of date";
  if (!text.empty()) failure.text += ": " + text;
  return failure;
}

}  // namespace poplar::directory
