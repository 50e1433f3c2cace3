#include "proxy/server/session_views.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "proxy/upstream/client_origin.h"

namespace poplar::server {
namespace {

bool Matches(const session::Session& session, const SessionFilter& filter) {
  const session::Record& record = session.record();
  if (!filter.user.empty() && record.user != filter.user) return false;
  if (filter.client && record.client.MappedBytes() != filter.client->MappedBytes()) return false;
  if (filter.node.empty()) return true;
  const std::string_view node = record.node;
  return session.has_user() &&
         (node == filter.node || node.substr(node.find('/') + 1) == filter.node);
}

metrics::SessionView ViewSession(const session::Session& session, io::Time now) {
  const session::Record& record = session.record();
  metrics::SessionView view{.id = upstream::SessionName(record.id),
                            .user = record.user,
                            .listener = std::string(record.listener),
                            .client = record.client.Text(),
                            .state = Name(session.state()),
                            .age = io::Seconds(now - record.accepted),
                            .mechanism = std::string(record.mechanism),
                            .tls = std::string(record.tls_version),
                            .messages = record.messages,
                            .bytes_to_client = record.bytes_to_client,
                            .commands = record.commands,
                            .opaque = record.opaque};
  if (const auto since = session.idle_since()) view.idle = io::Seconds(now - *since);
  if (!session.has_user() || record.node.empty()) return view;
  const size_t slash = record.node.find('/');
  view.cluster = record.node.substr(0, slash);
  view.node = record.node.substr(slash + 1);
  view.lease = record.lease;
  return view;
}

}  // namespace

metrics::SessionsView ViewSessions(const SessionSet& sessions, const SessionFilter& filter,
                                   size_t limit, io::Time now) {
  std::vector<const session::Session*> found;
  for (const session::Session* session : sessions) {
    if (Matches(*session, filter)) found.push_back(session);
  }
  metrics::SessionsView view{.total = found.size()};
  const auto last = found.begin() + static_cast<ptrdiff_t>(std::min(limit, found.size()));
  std::partial_sort(found.begin(), last, found.end(), [](const auto* a, const auto* b) {
    return a->record().accepted < b->record().accepted;
  });
  view.sessions.reserve(static_cast<size_t>(last - found.begin()));
  std::transform(found.begin(), last, std::back_inserter(view.sessions),
                 [now](const auto* session) { return ViewSession(*session, now); });
  return view;
}

metrics::SessionsView Merged(std::vector<metrics::SessionsView> parts, size_t limit) {
  metrics::SessionsView whole;
  for (metrics::SessionsView& part : parts) {
    whole.total += part.total;
    std::move(part.sessions.begin(), part.sessions.end(), std::back_inserter(whole.sessions));
  }
  std::sort(whole.sessions.begin(), whole.sessions.end(),
            [](const auto& a, const auto& b) { return a.age > b.age; });
  whole.sessions.resize(std::min(limit, whole.sessions.size()));
  return whole;
}

}  // namespace poplar::server
