#pragma once

#include <absl/container/flat_hash_set.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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

// What a worker says of one: copied as it is, so that the worker has little to do. Names that are
// views live as long as the server.
struct SessionFacts {
  uint64_t id = 0;
  std::string user;
  std::string node;  // CLUSTER/NODE
  std::string_view listener;
  std::string_view mechanism;
  std::string_view tls_version;
  std::string_view lease;
  io::Address client;
  session::SessionState state{};
  io::Duration age{};
  std::optional<io::Duration> idle;
  uint64_t messages = 0;
  uint64_t bytes_to_client = 0;
  uint64_t commands = 0;
  bool opaque = false;
};

struct SessionSample {
  uint64_t total = 0;                // that match
  std::vector<SessionFacts> oldest;  // of these
};

// One worker's, on its thread: one walk over all of them, and what is known of no more than
// `limit`.
SessionSample SampleSessions(const SessionSet& sessions, const SessionFilter& filter, size_t limit,
                             io::Time now);

// Of all workers together.
metrics::SessionsView ViewSessions(std::vector<SessionSample> samples, size_t limit);

}  // namespace poplar::server
