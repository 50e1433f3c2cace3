#include "proxy/server/kick.h"

#include <charconv>

namespace poplar::server {

std::optional<uint64_t> ParseSession(const std::string& text) {
  constexpr size_t kDigits = 16;
  uint64_t id = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, id, 16);
  if (text.size() != kDigits || error != std::errc() || at != end) return std::nullopt;
  return id;
}

bool Kicked::Means(const session::Session& one) const {
  if (user.empty()) return one.record().id == session;
  if (!one.has_user() || one.record().user != user) return false;
  return cluster.empty() || one.record().node.starts_with(cluster + "/");
}

uint64_t KickAll(const SessionSet& sessions, const Kicked& kicked) {
  uint64_t count = 0;
  for (session::Session* session : sessions) {
    if (!kicked.Means(*session) || session->state() == session::SessionState::kEnding) continue;
    ++count;
    if (kicked.now) {
      session->Abort(kicked.reason);
    } else {
      session->Drain(kicked.reason);
    }
  }
  return count;
}

}  // namespace poplar::server
