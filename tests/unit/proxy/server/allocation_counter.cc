#include "tests/unit/proxy/server/allocation_counter.h"

#include <execinfo.h>
#include <link.h>
#include <malloc.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define POPLAR_HEAP_IS_THE_SANITIZERS 1
#endif
#endif

namespace poplar::server {
namespace {

constexpr size_t kFramesMax = 24;
constexpr size_t kStacksMax = 32;

struct Stack {
  std::array<void*, kFramesMax> frames;
  int count;
};

// No constructors: a thread's first allocation may come before anything else of it.
thread_local Allocations counted;
thread_local bool remembering;
thread_local size_t remembered;
thread_local std::array<Stack, kStacksMax> stacks;

#ifndef POPLAR_HEAP_IS_THE_SANITIZERS

// Where the TLS library's code is, where it is shared: then it asks malloc.
struct Code {
  uintptr_t begin = 0;
  uintptr_t end = 0;
};
std::array<Code, 2> library_code;

int LookForLibrary(dl_phdr_info* object, size_t /*size*/, void* /*context*/) {
  const bool crypto = std::strstr(object->dlpi_name, "libcrypto") != nullptr;
  if (!crypto && std::strstr(object->dlpi_name, "libssl") == nullptr) return 0;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    const uintptr_t begin = object->dlpi_addr + segment.p_vaddr;
    library_code[crypto ? 0 : 1] = {begin, begin + segment.p_memsz};
  }
  return 0;
}

bool IsOfLibrary(const void* caller) {
  const auto from = reinterpret_cast<uintptr_t>(caller);
  for (const Code& code : library_code) {
    if (from >= code.begin && from < code.end) return true;
  }
  return false;
}

void Count(const void* caller) {
  if (IsOfLibrary(caller)) {
    ++counted.library;
    return;
  }
  ++counted.own;
  if (!remembering || remembered == kStacksMax) return;
  remembering = false;  // the look at the stack may allocate
  Stack& stack = stacks[remembered++];
  stack.count = backtrace(stack.frames.data(), kFramesMax);
  remembering = true;
}

#endif

}  // namespace

bool CountsAllocations() {
#ifdef POPLAR_HEAP_IS_THE_SANITIZERS
  return false;
#else
  dl_iterate_phdr(&LookForLibrary, nullptr);
  return true;
#endif
}

Allocations AllocationsOfThisThread() { return counted; }

void RememberCallers() {
  remembering = false;
  std::array<void*, 1> any{};
  (void)backtrace(any.data(), 1);  // loads what it needs
  remembered = 0;
  remembering = true;
}

std::string CallersOfThisThread() {
  remembering = false;
  std::string text;
  for (size_t i = 0; i < remembered; ++i) {
    char** names = backtrace_symbols(stacks[i].frames.data(), stacks[i].count);
    text += "allocation:\n";
    for (int k = 0; names != nullptr && k < stacks[i].count; ++k)
      text.append("  ").append(names[k]).append("\n");
    std::free(names);
  }
  remembered = 0;
  return text;
}

}  // namespace poplar::server

#ifndef POPLAR_HEAP_IS_THE_SANITIZERS

// glibc's own, under the names that it keeps for those who replace them.
extern "C" {

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wreserved-identifier"
// NOLINTBEGIN(bugprone-reserved-identifier)
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* block, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void* block);
// NOLINTEND(bugprone-reserved-identifier)
#pragma clang diagnostic pop

void* malloc(size_t bytes) noexcept {
  poplar::server::Count(__builtin_return_address(0));
  return __libc_malloc(bytes);
}
void* calloc(size_t count, size_t bytes) noexcept {
  poplar::server::Count(__builtin_return_address(0));
  return __libc_calloc(count, bytes);
}
void* realloc(void* block, size_t bytes) noexcept {
  poplar::server::Count(__builtin_return_address(0));
  return __libc_realloc(block, bytes);
}
void* memalign(size_t alignment, size_t bytes) noexcept {
  poplar::server::Count(__builtin_return_address(0));
  return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(size_t alignment, size_t bytes) noexcept { return memalign(alignment, bytes); }
int posix_memalign(void** block, size_t alignment, size_t bytes) noexcept {
  *block = memalign(alignment, bytes);
  return *block == nullptr ? ENOMEM : 0;
}

// A BoringSSL that is linked in asks these instead of malloc.
void* OPENSSL_memory_alloc(size_t bytes) {
  ++poplar::server::counted.library;
  return __libc_malloc(bytes);
}
void OPENSSL_memory_free(void* block) { __libc_free(block); }
size_t OPENSSL_memory_get_size(void* block) { return malloc_usable_size(block); }

}  // extern "C"

#endif
