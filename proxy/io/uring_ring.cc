#include "proxy/io/uring_ring.h"

#include <liburing.h>

#include <cstring>
#include <fstream>
#include <utility>

#include "proxy/io/result.h"

namespace poplar::io {
namespace {

struct Attempt {
  unsigned flags;
  RingFeatures features;
};

// Best first. Each drops what an older kernel refuses with EINVAL.
const Attempt kAttempts[] = {
    {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
     {.defer_taskrun = true, .single_issuer = true}},
    {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
     {.single_issuer = true, .coop_taskrun = true}},
    {IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG, {.coop_taskrun = true}},
};

constexpr unsigned kAlways =
    IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_R_DISABLED;

int DisabledSysctl() {
  std::ifstream file("/proc/sys/kernel/io_uring_disabled");
  int value = -1;
  return file >> value ? value : -1;
}

RingRefusal RefusalOf(int code) {
  // Only EPERM can come of the setting; without descriptors it couldn't be read anyway.
  return ExplainRefusal(code, code == EPERM ? DisabledSysctl() : -1);
}

// Registering a buffer ring came with 5.19, as did everything else that we can't do without.
int TryBufferRing(io_uring& ring) {
  alignas(4096) static thread_local char page[4096];
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<uintptr_t>(page);
  registration.ring_entries = 8;
  registration.bgid = 1;
  const int result = io_uring_register_buf_ring(&ring, &registration, 0);
  if (result == 0) io_uring_unregister_buf_ring(&ring, 1);
  return result;
}

}  // namespace

void RingCloser::operator()(io_uring* ring) const {
  io_uring_queue_exit(ring);
  delete ring;
}

std::string RingFeatures::Text() const {
  std::string text;
  for (const auto& [on, name] : {std::pair(defer_taskrun, "DEFER_TASKRUN"),
                                 {single_issuer, "SINGLE_ISSUER"},
                                 {coop_taskrun, "COOP_TASKRUN"},
                                 {multishot_accept, "MULTISHOT_ACCEPT"}}) {
    if (!on) continue;
    if (!text.empty()) text += ' ';
    text += name;
  }
  return text + " PROVIDED_BUFFERS";
}

RingRefusal ExplainRefusal(int code, int disabled_sysctl) {
  const auto refusal = [code](std::string_view reason, std::string_view text) {
    std::string line = "io_uring is not available here (" + Error{code}.Text() + "): ";
    return RingRefusal{code, reason, std::move(line.append(text))};
  };
  if (code == ENOSYS) {
    return refusal(
        "unsupported",
        "the kernel is older than Linux 5.19, or a seccomp profile (Podman, CRI-O) hides it. "
        "Use Linux 5.19 or newer, or allow io_uring_setup, io_uring_enter and io_uring_register "
        "in the profile.");
  }
  if (code == EPERM && disabled_sysctl > 0) {
    return refusal(
        "disabled",
        "kernel.io_uring_disabled is " + std::to_string(disabled_sysctl) +
            ". Set it to 0: sysctl -w kernel.io_uring_disabled=0" +
            (disabled_sysctl == 1 ? ", or put Poplar's user into kernel.io_uring_group." : "."));
  }
  if (code == EPERM || code == EACCES) {
    return refusal("forbidden",
                   "a seccomp profile (the default one of Docker 25 and containerd 2) or SELinux "
                   "forbids it. Run Poplar with a profile that allows io_uring_setup, "
                   "io_uring_enter and io_uring_register.");
  }
  if (code == ENOMEM) {
    return refusal("limits",
                   "the limit on locked memory is too small for the ring. Raise it: "
                   "LimitMEMLOCK=infinity in the systemd unit, or ulimit -l unlimited.");
  }
  if (code == EMFILE || code == ENFILE) {
    return refusal("limits",
                   "no file descriptor is left. Raise the limit: LimitNOFILE= in the unit, or "
                   "ulimit -n.");
  }
  if (code == EINVAL) {
    return refusal("unsupported",
                   "the kernel lacks features that Poplar needs. Use Linux 5.19 or newer.");
  }
  return refusal("other", "see io_uring_setup(2) for this error.");
}

tl::expected<Ring, RingRefusal> CreateRing(unsigned entries) {
  int refused = EINVAL;
  for (const Attempt& attempt : kAttempts) {
    io_uring_params parameters{};
    parameters.flags = kAlways | attempt.flags;
    parameters.cq_entries = entries * 8;
    auto ring = std::make_unique<io_uring>();
    const int result = io_uring_queue_init_params(entries, ring.get(), &parameters);
    if (result == 0) {
      RingPointer owned(ring.release());
      if (const int buffers = TryBufferRing(*owned); buffers != 0) {
        return tl::unexpected(RefusalOf(-buffers));
      }
      return Ring{std::move(owned), attempt.features};
    }
    refused = -result;
    if (refused != EINVAL) break;
  }
  return tl::unexpected(RefusalOf(refused));
}

}  // namespace poplar::io
