#include "tests/unit/proxy/server/blocking_client.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace poplar::server {

int ConnectOnLoopback(uint16_t port) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{30, 0};
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0)
    return descriptor;
  close(descriptor);
  return -1;
}

BlockingClient::BlockingClient(uint16_t port) : descriptor_(ConnectOnLoopback(port)) {}

BlockingClient::~BlockingClient() {
  if (descriptor_ >= 0) close(descriptor_);
}

void BlockingClient::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

bool BlockingClient::Fill() {
  char some[4096];
  ssize_t got;
  // A receive with a timeout isn't restarted by itself when the kernel has work for this thread, as
  // it has for one that has set rings up.
  do {
    got = recv(descriptor_, some, sizeof(some), 0);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return false;
  read_.append(some, static_cast<size_t>(got));
  return true;
}

std::string BlockingClient::ReadLine() {
  size_t end = read_.find("\r\n");
  while (end == std::string::npos && Fill()) end = read_.find("\r\n");
  const size_t size = end == std::string::npos ? read_.size() : end + 2;
  std::string line = read_.substr(0, size);
  read_.erase(0, size);
  return line;
}

std::string BlockingClient::ReadToEnd() {
  while (Fill()) continue;
  return std::move(read_);
}

std::string BlockingClient::Ask(std::string_view line) {
  Send(std::string(line) + "\r\n");
  return ReadLine();
}

namespace {

std::string Http(std::string_view method, uint16_t port, std::string_view path) {
  BlockingClient client(port);
  if (!client.connected()) return "";
  client.Send(std::string(method) + " " + std::string(path) +
              " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  return client.ReadToEnd();
}

}  // namespace

std::string HttpGet(uint16_t port, std::string_view path) { return Http("GET", port, path); }
std::string HttpPost(uint16_t port, std::string_view path) { return Http("POST", port, path); }

}  // namespace poplar::server
