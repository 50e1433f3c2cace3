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

SessionFacts FactsOf(const session::Session& session, io::Time now) {
  const session::Record& record = session.record();
  SessionFacts facts{.id = record.id,
                     .user = record.user,
                     .node = {},
                     .listener = record.listener,
                     .mechanism = record.mechanism,
                     .tls_version = record.tls_version,
                     .client = record.client,
                     .state = session.state(),
                     .age = now - record.accepted,
                     .messages = record.messages,
                     .bytes_to_client = record.bytes_to_client,
                     .commands = record.commands,
                     .opaque = record.opaque};
  if (const auto since = session.idle_since()) facts.idle = now - *since;
  if (!session.has_user()) return facts;
  facts.node = record.node;
  facts.lease = record.lease;
  return facts;
}

metrics::SessionView ViewOf(SessionFacts facts) {
  metrics::SessionView view{.id = upstream::SessionName(facts.id),
                            .user = std::move(facts.user),
                            .listener = std::string(facts.listener),
                            .client = facts.client.Text(),
                            .state = Name(facts.state),
                            .age = io::Seconds(facts.age),
                            .mechanism = std::string(facts.mechanism),
                            .tls = std::string(facts.tls_version),
                            .lease = std::string(facts.lease),
                            .messages = facts.messages,
                            .bytes_to_client = facts.bytes_to_client,
                            .commands = facts.commands,
                            .opaque = facts.opaque};
  if (facts.idle) view.idle = io::Seconds(*facts.idle);
  if (facts.node.empty()) return view;
  const size_t slash = facts.node.find('/');
  view.cluster = facts.node.substr(0, slash);
  view.node = facts.node.substr(slash + 1);
  return view;
}

}  // namespace

SessionSample SampleSessions(const SessionSet& sessions, const SessionFilter& filter, size_t limit,
                             io::Time now) {
  std::vector<const session::Session*> found;
  for (const session::Session* session : sessions) {
    if (Matches(*session, filter)) found.push_back(session);
  }
  SessionSample sample{.total = found.size()};
  const auto last = found.begin() + static_cast<ptrdiff_t>(std::min(limit, found.size()));
  // Whoever merges them puts them in order.
  std::nth_element(found.begin(), last, found.end(), [](const auto* a, const auto* b) {
    return a->record().accepted < b->record().accepted;
  });
  sample.oldest.reserve(static_cast<size_t>(last - found.begin()));
  std::transform(found.begin(), last, std::back_inserter(sample.oldest),
                 [now](const auto* session) { return FactsOf(*session, now); });
  return sample;
}

metrics::SessionsView ViewSessions(std::vector<SessionSample> samples, size_t limit) {
  metrics::SessionsView view;
  std::vector<SessionFacts> oldest;
  for (SessionSample& sample : samples) {
    view.total += sample.total;
    std::move(sample.oldest.begin(), sample.oldest.end(), std::back_inserter(oldest));
  }
  std::sort(oldest.begin(), oldest.end(),
            [](const auto& a, const auto& b) { return a.age > b.age; });
  oldest.resize(std::min(limit, oldest.size()));
  for (SessionFacts& facts : oldest) view.sessions.push_back(ViewOf(std::move(facts)));
  return view;
}

}  // namespace poplar::server
