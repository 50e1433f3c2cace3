#include "proxy/io/descriptor.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace poplar::io {
namespace {

bool OptionIsSet(int descriptor, int name) {
  int value = 0;
  socklen_t length = sizeof(value);
  return getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 && value != 0;
}

}  // namespace

void Descriptor::Reset(int number) {
  if (number_ >= 0) close(number_);
  number_ = number;
}

Result<Descriptor> Duplicate(int descriptor) {
  const int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return Fail(errno);
  return Descriptor(copy);
}

bool CloseOnExec(int descriptor) { return fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0; }

Result<> SetBlocking(int descriptor, bool blocks) {
  const int flags = fcntl(descriptor, F_GETFL);
  const int wanted = blocks ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
  if (flags < 0 || (wanted != flags && fcntl(descriptor, F_SETFL, wanted) != 0)) return Fail(errno);
  return {};
}

bool Listens(int descriptor) { return OptionIsSet(descriptor, SO_ACCEPTCONN); }

bool SharesItsPort(int descriptor) { return OptionIsSet(descriptor, SO_REUSEPORT); }

}  // namespace poplar::io
