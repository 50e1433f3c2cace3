#include "proxy/server/cpus.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace poplar::server {
namespace {

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

int AffinityCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return CPU_COUNT(&set);
}

// The v2 line of /proc/self/cgroup is "0::/path". Inside a container the path is mostly "/".
std::string OwnGroup() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::")) return line.substr(3);
  }
  return "/";
}

}  // namespace

std::optional<int> CpusOfQuota(std::string_view cpu_max) {
  std::istringstream text{std::string(cpu_max)};
  long long quota = 0;
  long long period = 0;
  if (!(text >> quota >> period) || quota <= 0 || period <= 0) return std::nullopt;
  return static_cast<int>(std::max<long long>((quota + period - 1) / period, 1));
}

std::optional<int> CpusOfGroup(const std::string& root, std::string group) {
  std::optional<int> least;
  for (;;) {
    if (group == "/") group.clear();
    const auto quota = CpusOfQuota(FirstLine(root + group + "/cpu.max"));
    if (quota && (!least || *quota < *least)) least = quota;
    if (group.empty()) return least;
    const size_t slash = group.rfind('/');
    group.resize(slash == std::string::npos ? 0 : slash);
  }
}

int UsableCpus() {
  int cpus = AffinityCpus();
  const std::string root = "/sys/fs/cgroup";
  if (const auto quota = CpusOfGroup(root, OwnGroup())) cpus = std::min(cpus, *quota);
  const std::string v1 =
      FirstLine(root + "/cpu/cpu.cfs_quota_us") + " " + FirstLine(root + "/cpu/cpu.cfs_period_us");
  if (const auto quota = CpusOfQuota(v1)) cpus = std::min(cpus, *quota);
  return std::max(cpus, 1);
}

}  // namespace poplar::server
