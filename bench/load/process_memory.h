#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>

namespace poplar::bench {

// Bytes. PSS counts a page shared by n processes as 1/n of a page: summed over processes it is what
// they really take.
struct ProcessMemory {
  uint64_t resident = 0;      // RSS
  uint64_t proportional = 0;  // PSS
  uint64_t anonymous = 0;     // heap, stacks, pools: what the program itself asked for
};

// From /proc/PID/smaps_rollup, summed. Nothing if one of the processes is gone or not ours.
std::optional<ProcessMemory> ReadMemory(std::span<const pid_t> processes);

// What the kernel holds for the sockets of this network namespace, both ends of every loopback
// connection counted, clients and nodes included (/proc/net/sockstat).
struct SocketMemory {
  uint64_t tcp_sockets = 0;
  uint64_t tcp_bytes = 0;  // queued data and skb overhead; not the socket structures themselves
};
SocketMemory ReadSocketMemory();

}  // namespace poplar::bench
