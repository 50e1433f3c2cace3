#pragma once

#include <cstddef>

namespace poplar::io {

// Memory of coroutine frames: per-thread free lists by size, so that a steady state allocates
// nothing. A frame is freed by the thread that made it. Plain malloc under AddressSanitizer, which
// could not see through the lists.
void* AllocateFrame(size_t bytes);
void FreeFrame(void* frame, size_t bytes) noexcept;

}  // namespace poplar::io
