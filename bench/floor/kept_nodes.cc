#include "bench/floor/kept_nodes.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>

namespace poplar::bench {
namespace {

constexpr size_t kOfAUser = 4;
constexpr size_t kLineMost = 512;

bool Send(int connection, std::string_view line) {
  return send(connection, line.data(), line.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(line.size());
}

// Waits for a line, behind which nothing comes that wasn't asked for.
bool SaysOk(int connection) {
  std::array<char, kLineMost> line;
  size_t size = 0;
  while (size == 0 || line[size - 1] != '\n') {
    const ssize_t got = recv(connection, line.data() + size, line.size() - size, 0);
    if (got <= 0) return false;
    size += static_cast<size_t>(got);
  }
  return line[0] == '+';
}

}  // namespace

int KeptNodes::Take(const std::string& user, std::string_view password) {
  const auto found = kept_.find(user);
  if (found == kept_.end() || found->second.empty()) return LogIn(user, password);
  const int connection = found->second.back();
  found->second.pop_back();
  return connection;
}

void KeptNodes::Keep(const std::string& user, int connection) {
  std::vector<int>& kept = kept_[user];
  if (kept.size() < kOfAUser) {
    kept.push_back(connection);
  } else {
    close(connection);
  }
}

int KeptNodes::LogIn(const std::string& user, std::string_view password) const {
  const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  const int on = 1;
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (connect(connection, reinterpret_cast<const sockaddr*>(&node_), sizeof(node_)) == 0 &&
      SaysOk(connection) && Send(connection, "USER " + user + "\r\n") && SaysOk(connection) &&
      Send(connection, password) && SaysOk(connection))
    return connection;
  close(connection);
  return -1;
}

}  // namespace poplar::bench
