#pragma once

#include <absl/container/flat_hash_set.h>

#include <optional>
#include <string>
#include <vector>

#include "metrics/session_view.h"
#include "proxy/io/address.h"
#include "proxy/io/clock.h"
#include "proxy/session/session.h"

namespace poplar::server {

using SessionSet = absl::flat_hash_set<session::Session*>;

// Which sessions are meant. Empty: it asks for nothing.
struct SessionFilter {
  std::string user;                   // canonical
  std::string node;                   // NODE or CLUSTER/NODE
  std::optional<io::Address> client;  // the port means nothing
};

// One worker's, on its thread: one walk over all of them, and the texts of no more than `limit`,
// the oldest.
metrics::SessionsView ViewSessions(const SessionSet& sessions, const SessionFilter& filter,
                                   size_t limit, io::Time now);

// Of all workers together.
metrics::SessionsView Merged(std::vector<metrics::SessionsView> parts, size_t limit);

}  // namespace poplar::server
