#include "proxy/io/posted_functions.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

namespace poplar::io {

PostedFunctions::~PostedFunctions() {
  if (descriptor_ >= 0) close(descriptor_);
}

int PostedFunctions::Open() {
  descriptor_ = eventfd(0, EFD_CLOEXEC);
  return descriptor_ < 0 ? errno : 0;
}

void PostedFunctions::Post(std::function<void()> function) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = functions_.empty();
    functions_.push_back(std::move(function));
  }
  if (!first) return;  // whoever was has woken the loop, or is about to
  const uint64_t one = 1;
  // Fails only when the counter is full, and then a wake-up is on its way.
  [[maybe_unused]] const ssize_t written = write(descriptor_, &one, sizeof(one));
}

void PostedFunctions::RunAll() {
  std::vector<std::function<void()>> functions;
  {
    const std::lock_guard lock(mutex_);
    functions.swap(functions_);
  }
  for (const auto& function : functions) function();
}

}  // namespace poplar::io
