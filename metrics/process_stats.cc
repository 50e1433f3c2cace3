#include "metrics/process_stats.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string>

namespace poplar::metrics {
namespace {

std::string ReadFile(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

uint64_t CountOpenFds() {
  DIR* directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  uint64_t entries = 0;
  while (::readdir(directory) != nullptr) ++entries;
  ::closedir(directory);
  // ".", ".." and the directory's own descriptor.
  return entries > 3 ? entries - 3 : 0;
}

double Seconds(const timeval& time) {
  constexpr double kSecondsPerMicro = 1e-6;
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * kSecondsPerMicro;
}

// Finer than the 10 ms ticks of /proc/self/stat.
double CpuSeconds() {
  struct rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
}

uint64_t SoftFdLimit() {
  struct rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

}  // namespace

std::optional<ProcessStats> ParseProcStat(std::string_view stat, uint64_t ticks_per_second,
                                          uint64_t page_bytes) {
  const size_t name_end = stat.rfind(')');
  if (name_end == stat.npos || ticks_per_second == 0) return std::nullopt;
  stat.remove_prefix(name_end + 1);
  // proc(5): field 3 (the state) comes first after the name; 14 utime, 15 stime, 22 starttime, 23
  // vsize, 24 rss.
  constexpr size_t kFirst = 3, kStart = 22, kVsize = 23, kRss = 24;
  std::array<uint64_t, kRss + 1> fields{};
  size_t field = kFirst;
  for (; field <= kRss; ++field) {
    const size_t begin = stat.find_first_not_of(' ');
    if (begin == stat.npos) return std::nullopt;
    stat.remove_prefix(begin);
    const std::string_view text = stat.substr(0, stat.find_first_of(" \n"));
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), fields[field]);
    const bool is_needed = field >= kStart;
    if (is_needed && (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())) {
      return std::nullopt;
    }
    stat.remove_prefix(text.size());
  }
  const double tick = 1.0 / static_cast<double>(ticks_per_second);
  ProcessStats stats;
  stats.start_time_seconds = static_cast<double>(fields[kStart]) * tick;
  stats.virtual_bytes = fields[kVsize];
  stats.resident_bytes = fields[kRss] * page_bytes;
  return stats;
}

std::optional<uint64_t> ParseBootTime(std::string_view stat) {
  constexpr std::string_view kKey = "\nbtime ";
  const size_t at = stat.find(kKey);
  if (at == stat.npos) return std::nullopt;
  const std::string_view rest = stat.substr(at + kKey.size());
  uint64_t seconds = 0;
  const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), seconds);
  if (parsed.ec != std::errc()) return std::nullopt;
  return seconds;
}

std::optional<ProcessStats> ReadProcessStats() {
  const auto ticks = static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  std::optional<ProcessStats> stats = ParseProcStat(ReadFile("/proc/self/stat"), ticks, page);
  const std::optional<uint64_t> boot = ParseBootTime(ReadFile("/proc/stat"));
  if (!stats || !boot) return std::nullopt;
  stats->start_time_seconds += static_cast<double>(*boot);
  stats->cpu_seconds = CpuSeconds();
  stats->open_fds = CountOpenFds();
  stats->max_fds = SoftFdLimit();
  return stats;
}

}  // namespace poplar::metrics
