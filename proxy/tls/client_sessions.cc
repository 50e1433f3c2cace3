#include "proxy/tls/client_sessions.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ctime>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace poplar::tls {

namespace {

// Held weakly: it may be gone, but none that comes after it is taken for it.
struct Entry {
  std::weak_ptr<const void> context;
  std::string host;
  int64_t expires;  // Unix seconds
  bssl::UniquePtr<SSL_SESSION> session;

  bool IsOf(const std::shared_ptr<const void>& other, std::string_view other_host) const {
    return !context.owner_before(other) && !other.owner_before(context) && host == other_host;
  }
  bool CertificateExpired(int64_t unix_seconds) const {
    const X509* certificate = SSL_SESSION_get0_peer(session.get());
    if (certificate == nullptr) return true;
    auto now = static_cast<time_t>(unix_seconds);
    return X509_cmp_time(X509_get0_notAfter(certificate), &now) <= 0;
  }
};

}  // namespace

struct ClientSessions::Native {
  std::mutex mutex;
  std::list<Entry> entries;        // the newest first
  std::optional<int64_t> refused;  // when, last
  int64_t keeps_from = 0;
};

ClientSessions::ClientSessions() : native_(std::make_unique<Native>()) {}
ClientSessions::~ClientSessions() = default;

void ClientSessions::Forget() {
  const std::lock_guard lock(native_->mutex);
  native_->entries.clear();
}

void ClientSessions::OnRefused(int64_t unix_seconds) {
  const std::lock_guard lock(native_->mutex);
  native_->entries.clear();
  const bool again = native_->refused && unix_seconds - *native_->refused < kDistrustSeconds;
  if (again) native_->keeps_from = unix_seconds + kDistrustSeconds;
  native_->refused = unix_seconds;
}

size_t ClientSessions::size() const {
  const std::lock_guard lock(native_->mutex);
  return native_->entries.size();
}

void ClientSessions::Add(const Verified& by, void* session) {
  bssl::UniquePtr<SSL_SESSION> owned(static_cast<SSL_SESSION*>(session));
  const int64_t expires = by.unix_seconds + int64_t{SSL_SESSION_get_timeout(owned.get())};
  const std::lock_guard lock(native_->mutex);
  if (by.unix_seconds < native_->keeps_from) return;
  std::list<Entry>& entries = native_->entries;
  entries.push_front({by.context, std::string(by.host), expires, std::move(owned)});
  if (entries.size() > kSessionsMax) entries.pop_back();
}

void* ClientSessions::Take(const Verified& by, bool check_dates) {
  const std::lock_guard lock(native_->mutex);
  std::list<Entry>& entries = native_->entries;
  std::erase_if(entries, [&](const Entry& entry) {
    return by.unix_seconds >= entry.expires ||
           (check_dates && entry.CertificateExpired(by.unix_seconds));
  });
  for (auto entry = entries.begin(); entry != entries.end(); ++entry) {
    if (!entry->IsOf(by.context, by.host)) continue;
    if (SSL_SESSION_should_be_single_use(entry->session.get()) == 0) {
      return bssl::UpRef(entry->session).release();
    }
    bssl::UniquePtr<SSL_SESSION> session = std::move(entry->session);
    entries.erase(entry);
    return session.release();
  }
  return nullptr;
}

}  // namespace poplar::tls
