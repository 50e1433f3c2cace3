#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

struct io_uring;

namespace poplar::io {

// What the kernel granted; found by building the real ring and dropping what is refused, never by
// the kernel's version.
struct RingFeatures {
  bool defer_taskrun = false;    // Linux 6.1
  bool single_issuer = false;    // 6.0
  bool coop_taskrun = false;     // 5.19; the fallback for the two above
  bool multishot_accept = true;  // 5.19; turned off when the kernel refuses the first one

  std::string Text()
      const;  // for --version and the start-up log: "DEFER_TASKRUN SINGLE_ISSUER ..."
};

// Why there is no ring.
struct RingRefusal {
  int code = 0;             // an errno
  std::string_view reason;  // for a label: forbidden, disabled, unsupported, limits or other
  std::string text;         // the likely cause, and what to do, in one line
};

struct RingCloser {
  void operator()(io_uring* ring) const;
};
using RingPointer = std::unique_ptr<io_uring, RingCloser>;

struct Ring {
  RingPointer ring;
  RingFeatures features;
};

// A ring of `entries` submission slots and eight times as many completion slots. It is disabled:
// the thread that runs it enables it (and is then the only one that may submit).
tl::expected<Ring, RingRefusal> CreateRing(unsigned entries);

// The refusal for an errno from io_uring_setup; apart so that it can be tested without such a
// kernel. `disabled_sysctl` is kernel.io_uring_disabled (0, 1, 2), or -1 where there is no such
// setting.
RingRefusal ExplainRefusal(int code, int disabled_sysctl);

}  // namespace poplar::io
