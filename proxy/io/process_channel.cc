#include "proxy/io/process_channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace poplar::io {
namespace {

// Rounded up, so that a wait for what is left of it doesn't spin.
bool Await(int descriptor, short events, Duration patience) {
  const auto millis = std::chrono::ceil<std::chrono::milliseconds>(patience).count();
  pollfd waiting{.fd = descriptor, .events = events, .revents = 0};
  int ready = 0;
  do {
    ready = poll(&waiting, 1, static_cast<int>(millis));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

struct Control {
  alignas(
      cmsghdr) std::array<char, CMSG_SPACE(ProcessChannel::kDescriptorsMax * sizeof(int))> bytes{};
};

std::vector<Descriptor> DescriptorsOf(msghdr& header) {
  std::vector<Descriptor> found;
  for (cmsghdr* at = CMSG_FIRSTHDR(&header); at != nullptr; at = CMSG_NXTHDR(&header, at)) {
    if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (at->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(at) + i * sizeof(int), sizeof(int));
      found.emplace_back(number);
    }
  }
  return found;
}

}  // namespace

Result<std::pair<ProcessChannel, ProcessChannel>> ProcessChannel::Open() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return Fail(errno);
  return std::pair(ProcessChannel(Descriptor(ends[0])), ProcessChannel(Descriptor(ends[1])));
}

Result<> ProcessChannel::Send(std::string_view bytes, Duration patience,
                              const std::vector<int>& descriptors) const {
  assert(!bytes.empty() && bytes.size() <= kMessageBytesMax);
  assert(descriptors.size() <= kDescriptorsMax);
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};  // the kernel only reads it
  Control control;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!descriptors.empty()) {
    const size_t length = descriptors.size() * sizeof(int);
    header.msg_control = control.bytes.data();
    header.msg_controllen = CMSG_SPACE(length);
    cmsghdr* const first = CMSG_FIRSTHDR(&header);
    first->cmsg_level = SOL_SOCKET;
    first->cmsg_type = SCM_RIGHTS;
    first->cmsg_len = CMSG_LEN(length);
    std::memcpy(CMSG_DATA(first), descriptors.data(), length);
  }
  for (;;) {
    const ssize_t sent = sendmsg(end_.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) return {};
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
      return Fail(errno == ECONNRESET || errno == ENOTCONN ? EPIPE : errno);
    if (!Await(end_.get(), POLLOUT, patience)) return Fail(ETIMEDOUT);
  }
}

Result<ProcessChannel::Message> ProcessChannel::Receive(Duration patience) const {
  std::string bytes(kMessageBytesMax, '\0');
  for (;;) {
    iovec part{bytes.data(), bytes.size()};
    Control control;
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.bytes.data();
    header.msg_controllen = control.bytes.size();
    const ssize_t got = recvmsg(end_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (!Await(end_.get(), POLLIN, patience)) return Fail(ETIMEDOUT);
      continue;
    }
    if (got < 0) return Fail(errno == ECONNRESET ? EPIPE : errno);
    Message message{.bytes = {}, .descriptors = DescriptorsOf(header)};
    if (got == 0) return Fail(EPIPE);
    if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return Fail(EMSGSIZE);
    bytes.resize(static_cast<size_t>(got));
    message.bytes = std::move(bytes);
    return message;
  }
}

bool ProcessChannel::ended() const {
  pollfd looked{.fd = end_.get(), .events = POLLRDHUP, .revents = 0};
  return poll(&looked, 1, 0) > 0;
}

void ProcessChannel::Shutdown() const {
  if (end_) shutdown(end_.get(), SHUT_RDWR);
}

}  // namespace poplar::io
