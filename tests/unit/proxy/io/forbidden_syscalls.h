#pragma once

#include <initializer_list>

namespace poplar::io {

// From now on, and for good, these system calls of this thread (and of what it forks and executes)
// fail with `code`, as a container's seccomp profile makes them fail. For forked children only.
void ForbidSyscalls(std::initializer_list<long> numbers, int code);

}  // namespace poplar::io
