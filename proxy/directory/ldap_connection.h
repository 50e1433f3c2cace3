#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "proxy/directory/ldap_entry.h"
#include "proxy/directory/ldap_patience.h"
#include "proxy/directory/ldap_read_limit.h"
#include "proxy/directory/ldap_settings.h"
#include "proxy/io/clock.h"

struct ldap;
struct ldapmsg;

namespace poplar::directory {

// A connection to one LDAP server, bound, by libldap. Blocks; one thread at a time.
class LdapConnection {
 public:
  // A connection that is being made can't be given up before its time, for each address of a host.
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

  // Before the first connection, by one thread, ahead of all others: libldap's own beginnings, with
  // nothing of the system's ldap.conf and of the environment in them.
  static void PrepareLibrary();
  // Reads the files of TLS, once: libldap loses some kilobytes each time that it reads a client's
  // certificate. Empty: done; else what is wrong with them.
  static std::string PrepareTls(LdapSettings& settings);

  // Connected, TLS'd as the settings say, bound.
  static Outcome<std::unique_ptr<LdapConnection>> Open(const LdapSettings& settings,
                                                       const std::string& url,
                                                       const LdapPatience& patience);
  ~LdapConnection();
  LdapConnection(const LdapConnection&) = delete;
  LdapConnection& operator=(const LdapConnection&) = delete;

  // What fits the filter, at most two. A failure means that the connection is done with.
  Outcome<std::vector<LdapEntry>> Search(const std::string& filter, const LdapPatience& patience);

 private:
  using Message = std::unique_ptr<ldapmsg, int (*)(ldapmsg*)>;

  LdapConnection(const LdapSettings& settings, ldap* handle)
      : settings_(settings), handle_(handle) {}

  // For one call: how long what it reads may wait.
  class Limited;

  Outcome<void> SetUp(const std::string& url, const LdapPatience& patience);
  Outcome<void> StartTls(const LdapPatience& patience);
  Outcome<void> Bind(const LdapPatience& patience);
  Outcome<int> BeginSearch(const std::string& filter, const LdapPatience& patience);
  Outcome<Message> Next(int question, const LdapPatience& patience);
  Outcome<int> CodeOf(ldapmsg* result, const LdapPatience& patience);
  LdapEntry Read(ldapmsg* message);
  std::vector<std::string> Values(ldapmsg* message, const std::string& attribute);
  Outcome<std::vector<LdapEntry>> Collect(int question, const LdapPatience& patience);
  Failure Fault(int code, const std::string& doing, const LdapPatience& patience);
  void LimitTime(const LdapPatience& patience);

  const LdapSettings& settings_;
  LdapReadLimit limit_;  // outlives the handle
  ldap* const handle_;
};

}  // namespace poplar::directory
