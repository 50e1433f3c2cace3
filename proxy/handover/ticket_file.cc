#include "proxy/handover/ticket_file.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <type_traits>
#include <vector>

namespace poplar::handover {
namespace {

using Key = tls::TicketKeys::Key;
static_assert(std::is_trivially_copyable_v<Key>);

}  // namespace

io::Descriptor WriteTicketFile(const tls::TicketKeys& keys) {
  io::Descriptor file(memfd_create("ticket keys", MFD_CLOEXEC));
  if (!file) return file;
  const ssize_t written = pwrite(file.get(), &keys.sealing(), sizeof(Key), 0);
  return written == sizeof(Key) ? std::move(file) : io::Descriptor();
}

std::shared_ptr<const tls::TicketKeys> ReadTicketFile(const io::Descriptor& file) {
  struct stat facts{};
  if (fstat(file.get(), &facts) != 0 || facts.st_size != sizeof(Key)) return nullptr;
  std::vector<Key> keys(1);
  const bool read = pread(file.get(), keys.data(), sizeof(Key), 0) == sizeof(Key);
  if (read) return std::make_shared<const tls::TicketKeys>(std::move(keys));
  explicit_bzero(keys.data(), sizeof(Key));
  return nullptr;
}

}  // namespace poplar::handover
