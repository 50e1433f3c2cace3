#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace poplar::server {

// How many CPUs this process may use: its affinity mask, bounded by the quota of its cgroup (v2 or
// v1). At least 1.
int UsableCpus();

// The smallest quota of a cgroup v2 ("/a/b") and of those around it, under the mount point `root`;
// nothing when none has one.
std::optional<int> CpusOfGroup(const std::string& root, std::string group);

// The quota in CPUs, rounded up, from the text of a cgroup v2 cpu.max ("150000 100000"); nothing
// for "max".
std::optional<int> CpusOfQuota(std::string_view cpu_max);

}  // namespace poplar::server
