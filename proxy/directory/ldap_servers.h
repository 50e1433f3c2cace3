#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

#include "proxy/io/clock.h"

namespace poplar::directory {

// Which of a directory's servers to ask, as the threads that ask have found them. Any thread.
//
// A server that failed is asked last for a while. One that said nothing at all, or refused the
// password, isn't asked meanwhile: each question to it would cost all its time, or bring the
// account nearer to being locked. When that time is over one question tries it, and the others
// follow if it fares well.
class LdapServers {
 public:
  static constexpr io::Duration kAvoidance = std::chrono::seconds(5);

  enum class Failure : uint8_t {
    kBroken,  // found out at once: refused, ended, in trouble
    kCostly,  // silent, or no place for another try
  };

  explicit LdapServers(size_t count) : servers_(count) {}

  // All servers, those that are avoided last.
  std::vector<size_t> InTurn(io::Time now) const;
  // Right before a server is asked: whether it may be.
  bool MayAsk(size_t server, io::Time now);
  // Why none may.
  std::string LastTrouble() const;

  void Answered(size_t server);
  void Failed(size_t server, Failure failure, const std::string& text, io::Time now);

 private:
  struct Server {
    bool failed = false;
    Failure failure = Failure::kBroken;
    io::Time avoided_until{};
  };

  mutable std::mutex mutex_;
  std::vector<Server> servers_;  // guarded, as the next
  std::string last_trouble_;
};

}  // namespace poplar::directory
