#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "proxy/directory/ldap_entry.h"
#include "proxy/directory/ldap_settings.h"
#include "proxy/io/clock.h"

struct ldap;
struct ldapmsg;

namespace poplar::directory {

// A connection to one LDAP server, bound, by libldap. Blocks; one thread at a time.
class LdapConnection {
 public:
  // A connection that is being made can't be given up before its time.
  static constexpr io::Duration kConnectMax = std::chrono::seconds(3);
  // One message of a server's: two attributes of an entry are far less.
  static constexpr size_t kMessageBytesMax = size_t{256} * 1024;
  // Messages to one question: an entry or two, and references to elsewhere.
  static constexpr int kMessagesMax = 100;

  struct Failure {
    // Fits behind the server's URL: "can't be reached: ...".
    std::string text;
    bool lost = false;    // the connection ended, rather than the server refusing
    bool costly = false;  // see LdapServers
  };
  template <class T>
  using Outcome = tl::expected<T, Failure>;

  // When to give up: at a time, or when told to.
  struct Patience {
    const io::Clock& clock;
    io::Time deadline;
    const std::atomic<bool>& stop;
  };

  // Before the first connection, by one thread, ahead of all others: libldap's own beginnings, with
  // nothing of the system's ldap.conf and of the environment in them.
  static void PrepareLibrary();
  // Whether its files make a TLS client. Empty: yes.
  static std::string WhyUnfit(const LdapSettings& settings);

  // Connected, TLS'd as the settings say, bound.
  static Outcome<std::unique_ptr<LdapConnection>> Open(const LdapSettings& settings,
                                                       const std::string& url,
                                                       const Patience& patience);
  ~LdapConnection();
  LdapConnection(const LdapConnection&) = delete;
  LdapConnection& operator=(const LdapConnection&) = delete;

  // What fits the filter, at most two. A failure means that the connection is done with.
  Outcome<std::vector<LdapEntry>> Search(const std::string& filter, const Patience& patience);

 private:
  using Message = std::unique_ptr<ldapmsg, int (*)(ldapmsg*)>;

  LdapConnection(const LdapSettings& settings, ldap* handle)
      : settings_(settings), handle_(handle) {}

  Outcome<void> SetUp(const std::string& url, const Patience& patience);
  Outcome<void> StartTls(const Patience& patience);
  Outcome<void> Bind(const Patience& patience);
  Outcome<int> BeginSearch(const std::string& filter, const Patience& patience);
  Outcome<Message> Next(int question, const Patience& patience);
  Outcome<int> CodeOf(ldapmsg* result);
  LdapEntry Read(ldapmsg* message);
  std::vector<std::string> Values(ldapmsg* message, const std::string& attribute);
  Failure Fault(int code, const std::string& doing);
  void LimitTime(const Patience& patience);

  const LdapSettings& settings_;
  ldap* const handle_;
};

}  // namespace poplar::directory
