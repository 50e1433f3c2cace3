#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "bench/floor/proxy.h"

namespace {

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// -1: the port can't be had.
int Listen(uint16_t port) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  const int on = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  // What is accepted has it from here.
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const sockaddr_in address = Loopback(port);
  if (bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(descriptor, 4096) != 0)
    return -1;
  return descriptor;
}

}  // namespace

int main(int argc, char** argv) {
  // Memory that was used stays.
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  CLI::App app("The least work that a proxy which ends TLS can do for a session; a measure");
  uint16_t port = 0;
  uint16_t node = 0;
  std::string certificate;
  std::string key;
  app.add_option("--port", port, "To listen on, on loopback")->required();
  app.add_option("--node", node, "The node's port on loopback; no TLS there")->required();
  app.add_option("--certificate", certificate, "PEM file")->required();
  app.add_option("--key", key, "PEM file")->required();
  bool parked = false;
  app.add_flag(
      "--parked", parked,
      "Keeps each session's connection to the node, logged in, for the user's next one, and "
      "answers USER, PASS and QUIT itself");
  CLI11_PARSE(app, argc, argv);
  const auto context = poplar::bench::FloorTls::MakeContext(certificate, key);
  const int listening = Listen(port);
  if (context == nullptr || listening < 0) {
    std::fprintf(stderr, "poplar_floor: %s\n",
                 context == nullptr ? "certificate and key can't be used" : "the port is taken");
    return 1;
  }
  std::printf("ready\n");
  std::fflush(stdout);
  poplar::bench::FloorProxy(listening, Loopback(node), *context, parked).Run();
}
