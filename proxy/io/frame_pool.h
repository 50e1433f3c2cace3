#pragma once

#include <cstddef>

namespace poplar::io {

// Memory of coroutine frames: each thread's own, in slabs of frames of about one size, so that a
// steady state asks the heap for nothing, and what a rush of clients took can go back to the kernel
// when they are silent: frames that come and go never lie between what stays. A frame is freed by
// the thread that made it. Plain malloc under AddressSanitizer, which could not see through the
// slabs.
void* AllocateFrame(size_t bytes);
void FreeFrame(void* frame, size_t bytes) noexcept;

// Called about once a second: gives slabs of this thread's back that had no frame in all that time,
// some megabytes at most at once. Returns how many.
size_t TrimFrames();

}  // namespace poplar::io
