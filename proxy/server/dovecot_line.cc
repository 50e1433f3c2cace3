#include "proxy/server/dovecot_line.h"

#include <fmt/format.h>

#include "proxy/server/session_line.h"
#include "proxy/upstream/client_origin.h"

namespace poplar::server {
namespace {

// A stranger's choice: it must not end the name, nor the line, and say something of its own behind.
std::string Harmless(std::string_view user) {
  std::string text(user);
  for (char& c : text) {
    const bool printable = c > 0x20 && c < 0x7f;
    if (!printable || c == '<' || c == '>') c = '?';
  }
  return text;
}

std::string_view Method(std::string_view mechanism) {
  return mechanism == "USER" ? "PLAIN" : mechanism;  // Dovecot's name for USER and PASS
}

}  // namespace

std::string DovecotLine(int64_t unix_micros, std::string_view host, const session::Record& record) {
  std::string line = fmt::format(
      "{}+00:00 {} dovecot: pop3-login: Disconnected: Connection closed (auth failed, {} attempts "
      "in {} "
      "secs): user=<{}>, method={}, rip={}, lip={}",
      UtcTime(unix_micros), host, record.refused_logins,
      std::chrono::duration_cast<std::chrono::seconds>(record.total).count(), Harmless(record.user),
      Method(record.mechanism), record.client.Host(), record.local.Host());
  if (!record.tls_version.empty()) line += ", TLS";
  return line + fmt::format(", session=<{}>", upstream::SessionName(record.id));
}

}  // namespace poplar::server
