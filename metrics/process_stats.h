#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace poplar::metrics {

// What the kernel says about this process; the source of the process_* metrics.
struct ProcessStats {
  double cpu_seconds = 0;         // user and system
  double start_time_seconds = 0;  // Unix time
  uint64_t resident_bytes = 0;
  uint64_t virtual_bytes = 0;
  uint64_t open_fds = 0;
  uint64_t max_fds = 0;  // the soft limit
};

// Empty where /proc is not mounted or not understood: the series are then left out.
std::optional<ProcessStats> ReadProcessStats();

// The pieces of it that parse, for their tests. `stat`: /proc/self/stat; the command name in it may
// hold spaces and parentheses. Gives only the memory and the start time, the latter since boot.
std::optional<ProcessStats> ParseProcStat(std::string_view stat, uint64_t ticks_per_second,
                                          uint64_t page_bytes);
// `stat`: /proc/stat; the time of boot in Unix time.
std::optional<uint64_t> ParseBootTime(std::string_view stat);

}  // namespace poplar::metrics
