#pragma once

#include <cstdint>
#include <string>

namespace poplar::server {

// What a thread has asked the heap for since it began. Linked into a program, this stands in for
// the C library's malloc and its like, through which operator new goes as well.
struct Allocations {
  uint64_t own = 0;      // by this code, the standard library's included
  uint64_t library = 0;  // by the TLS library, for its own ends
};

inline Allocations operator-(const Allocations& now, const Allocations& before) {
  return {now.own - before.own, now.library - before.library};
}

// False under a sanitizer: the heap is its own.
bool CountsAllocations();

Allocations AllocationsOfThisThread();

// From here on who asks for this thread's own allocations is remembered, of the first few.
void RememberCallers();
// A stack for each, as program(+offset), to be read with addr2line -Cfie. Remembers no more.
std::string CallersOfThisThread();

}  // namespace poplar::server
