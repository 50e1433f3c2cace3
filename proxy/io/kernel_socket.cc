#include "proxy/io/kernel_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>

namespace poplar::io {
namespace {

bool SetOption(int descriptor, int level, int name, int value) {
  return setsockopt(descriptor, level, name, &value, sizeof(value)) == 0;
}

int OpenTcp(int family, Blocking blocking) {
  const int wait = blocking == Blocking::kYes ? 0 : SOCK_NONBLOCK;
  return socket(family, SOCK_STREAM | SOCK_CLOEXEC | wait, IPPROTO_TCP);
}

Result<Address> AddressOf(int descriptor, int (*get)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (get(descriptor, address, &length) != 0) return Fail(errno);
  return Address::FromSockaddr(address);
}

// Its connections were made to whatever address a rule of the kernel's sends here (TPROXY).
bool IsTransparent(int descriptor, int family) {
  int on = 0;
  socklen_t length = sizeof(on);
  const int result = family == AF_INET6
                         ? getsockopt(descriptor, IPPROTO_IPV6, IPV6_TRANSPARENT, &on, &length)
                         : getsockopt(descriptor, IPPROTO_IP, IP_TRANSPARENT, &on, &length);
  return result == 0 && on != 0;
}

}  // namespace

Result<int> OpenListening(const Address& address, const ListenOptions& options, Blocking blocking) {
  const int descriptor = OpenTcp(address.family(), blocking);
  if (descriptor < 0) return Fail(errno);
  SetOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.reuse_port) SetOption(descriptor, SOL_SOCKET, SO_REUSEPORT, 1);
  // [::] takes IPv4 as well, whatever net.ipv6.bindv6only says.
  if (address.family() == AF_INET6) SetOption(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (bind(descriptor, address.sockaddr_pointer(), address.sockaddr_length()) != 0 ||
      listen(descriptor, options.backlog) != 0) {
    const int code = errno;
    close(descriptor);
    return Fail(code);
  }
  return descriptor;
}

Result<int> OpenConnecting(int family, Blocking blocking) {
  const int descriptor = OpenTcp(family, blocking);
  if (descriptor < 0) return Fail(errno);
  SendAtOnce(descriptor);
  return descriptor;
}

bool SendAtOnce(int descriptor) {
  return SetOption(descriptor, IPPROTO_TCP, TCP_NODELAY, 1) ||
         (errno != EBADF && errno != ENOTSOCK);
}

bool NothingToReceive(int descriptor) {
  char byte = 0;
  return recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
         (errno == EAGAIN || errno == EWOULDBLOCK);
}

bool ReceiveWouldWait(int descriptor) {
  pollfd polled{.fd = descriptor, .events = POLLIN, .revents = 0};
  return poll(&polled, 1, 0) == 0;
}

int TakeWaiting(int descriptor, Buffer& into, size_t most) {
  assert(most <= into.room().size());
  const ssize_t n = recv(descriptor, into.room().data(), most, MSG_DONTWAIT);
  if (n < 0) return -errno;
  into.Commit(static_cast<size_t>(n));
  return static_cast<int>(n);
}

bool AwaitBytes(int descriptor, Duration most) {
  pollfd waiting{.fd = descriptor, .events = POLLIN, .revents = 0};
  // Rounded up, so that a wait that is repeated for what is left of it doesn't spin.
  const auto millis = std::chrono::ceil<std::chrono::milliseconds>(most).count();
  return poll(&waiting, 1, static_cast<int>(millis)) > 0;
}

Address LocalAddressOf(int descriptor) {
  return AddressOf(descriptor, getsockname).value_or(Address());
}

Result<Address> PeerAddressOf(int descriptor) { return AddressOf(descriptor, getpeername); }

Address LocalAddressOfAll(int listening) {
  const Address address = LocalAddressOf(listening);
  const std::string host = address.Host();
  const bool any = host == "0.0.0.0" || host == "::";
  return any || IsTransparent(listening, address.family()) ? Address() : address;
}

}  // namespace poplar::io
