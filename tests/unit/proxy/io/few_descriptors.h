#pragma once

#include <sys/resource.h>
#include <unistd.h>

namespace poplar::io {

// While it lives the process may open so many descriptors more.
class FewDescriptors {
 public:
  explicit FewDescriptors(int left) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int first_free = dup(STDERR_FILENO);
    close(first_free);
    const rlimit few{static_cast<rlim_t>(first_free + left), before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  rlimit before_{};
};

}  // namespace poplar::io
