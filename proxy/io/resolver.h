#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "proxy/io/address.h"
#include "proxy/io/clock.h"
#include "proxy/io/proactor.h"
#include "proxy/io/task.h"

namespace poplar::io {

// Why a name has no answer.
struct ResolveError {
  enum class Kind : uint8_t {
    kNotFound,  // the name server has answered: there is no such name, or nothing of that type
    kFailed,    // nothing is known: no answer, a refusal, nonsense
    kStopped,
  };
  Kind kind = Kind::kFailed;
  std::string text;  // for the log: what was asked, what came
};

// A host's addresses, A and AAAA, each once, in no order; never empty. The port is the caller's.
struct HostAddresses {
  std::vector<Address> addresses;
  Duration ttl{};  // the least of all records
  // No: the question for one family has failed, and what is missing here may well be there.
  bool whole = true;
};

// One SRV record (RFC 2782).
struct ServiceTarget {
  std::string host;  // lower case, without the last dot
  uint16_t port = 0;
  uint16_t priority = 0;
  uint16_t weight = 0;
};

struct ServiceTargets {
  std::vector<ServiceTarget> targets;  // never empty
  Duration ttl{};
};

// The name servers. One for the process; any worker may ask, and gets its answer on its own thread.
// Every question ends within a bounded time.
class Resolver {
 public:
  virtual ~Resolver() = default;

  // `host` may be an IP address, which is its own answer for ever.
  virtual Task<tl::expected<HostAddresses, ResolveError>> LookUpHost(Proactor& proactor,
                                                                     std::string host,
                                                                     uint16_t port) = 0;
  // `name` as in _pop3._tcp.mail.example.org.
  virtual Task<tl::expected<ServiceTargets, ResolveError>> LookUpService(Proactor& proactor,
                                                                         std::string name) = 0;

  // From any thread: all questions, under way and later ones, end as kStopped.
  virtual void Stop() = 0;
};

}  // namespace poplar::io
