#include "proxy/io/uring_buffers.h"

#include <liburing.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <utility>

namespace poplar::io {
namespace {

// Enough for the completions of one turn; more only fills the cache.
constexpr unsigned kCountMax = 64;

size_t BytesOf(size_t count) { return count * sizeof(io_uring_buf); }

}  // namespace

ProvidedBuffers::~ProvidedBuffers() {
  if (ring_ != nullptr) munmap(ring_, BytesOf(buffers_.size()));
}

int ProvidedBuffers::Register(io_uring& ring) {
  const auto wanted = static_cast<unsigned>(std::bit_floor(pool_.count_max() / 4));
  const unsigned count = std::clamp(wanted, 1u, kCountMax);
  void* memory =
      mmap(nullptr, BytesOf(count), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return errno;
  ring_ = static_cast<io_uring_buf_ring*>(memory);
  buffers_.resize(count);
  for (unsigned i = 0; i < count; ++i) missing_.push_back(static_cast<uint16_t>(i));
  // Debian 12's liburing has no io_uring_setup_buf_ring: these are its steps.
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<uintptr_t>(memory);
  registration.ring_entries = count;
  registration.bgid = kGroup;
  if (const int result = io_uring_register_buf_ring(&ring, &registration, 0); result != 0) {
    return -result;
  }
  io_uring_buf_ring_init(ring_);
  Refill();
  return 0;
}

void ProvidedBuffers::Refill() {
  int added = 0;
  const int mask = io_uring_buf_ring_mask(static_cast<uint32_t>(buffers_.size()));
  while (!missing_.empty()) {
    Buffer buffer = pool_.TryTake(BufferUse::kReceive);
    if (buffer.room().empty()) break;
    const uint16_t id = missing_.back();
    missing_.pop_back();
    io_uring_buf_ring_add(ring_, BufferPool::DataOf(buffer), kReceiveBytesMax, id, mask, added++);
    buffers_[id] = std::move(buffer);
  }
  if (added > 0) io_uring_buf_ring_advance(ring_, added);
}

Buffer ProvidedBuffers::Take(uint16_t id) {
  missing_.push_back(id);
  return std::move(buffers_[id]);
}

}  // namespace poplar::io
