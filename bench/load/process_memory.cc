#include "bench/load/process_memory.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace poplar::bench {
namespace {

bool AddMemory(pid_t process, ProcessMemory& sum) {
  std::ifstream file("/proc/" + std::to_string(process) + "/smaps_rollup");
  bool found = false;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string key;
    uint64_t kilobytes = 0;
    if (!(fields >> key >> kilobytes)) continue;
    if (key == "Rss:") {
      sum.resident += kilobytes * 1024;
      found = true;
    } else if (key == "Pss:") {
      sum.proportional += kilobytes * 1024;
    } else if (key == "Anonymous:") {
      sum.anonymous += kilobytes * 1024;
    }
  }
  return found;
}

}  // namespace

std::optional<ProcessMemory> ReadMemory(std::span<const pid_t> processes) {
  ProcessMemory sum;
  for (const pid_t process : processes) {
    if (!AddMemory(process, sum)) return std::nullopt;
  }
  return sum;
}

SocketMemory ReadSocketMemory() {
  SocketMemory memory;
  std::ifstream file("/proc/net/sockstat");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("TCP:")) continue;
    std::istringstream fields(line);
    std::string key;
    fields >> key;
    for (uint64_t value = 0; fields >> key >> value;) {
      if (key == "inuse") memory.tcp_sockets = value;
      if (key == "mem") memory.tcp_bytes = value * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    }
  }
  return memory;
}

}  // namespace poplar::bench
