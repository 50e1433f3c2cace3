// A user map of millions of lines: what it takes to make, to load and to ask. bench/README.md has
// the figures.
#include <sys/resource.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/directory/user_map.h"
#include "proxy/directory/user_map_builder.h"

namespace poplar::bench {
namespace {

constexpr double kMebi = 1024.0 * 1024.0;
constexpr size_t kNodes = 20;
constexpr size_t kLookups = 5'000'000;

// CPU time of this thread, in seconds: what else the machine does should not show.
double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double PeakMebibytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

std::string UserName(size_t number) {
  return "user" + std::to_string(number) + "@d" + std::to_string(number % 1000) + ".example.org";
}

// Every fourth has a name of its own at the node.
std::string LineOf(size_t number) {
  std::string line = UserName(number) + " mail/mail-" + std::to_string(number % kNodes);
  if (number % 4 == 0) line += " b" + std::to_string(number);
  return line;
}

std::string BuildFile(size_t users) {
  double began = CpuSeconds();
  std::string bytes;
  {
    directory::UserMapBuilder builder({});
    for (size_t i = 0; i < users; ++i) builder.AddLine(LineOf(i));
    if (builder.faults_in_all() > 0) {
      std::fprintf(stderr, "%s\n", builder.faults().front().c_str());
      return {};
    }
    bytes = builder.Build();
  }
  std::printf("build      %zu users, %.1f MiB (%.1f bytes a user): %.2f s of CPU, peak %.0f MiB\n",
              users, static_cast<double>(bytes.size()) / kMebi,
              static_cast<double>(bytes.size()) / static_cast<double>(users), CpuSeconds() - began,
              PeakMebibytes());
  return bytes;
}

std::shared_ptr<const directory::UserMap> LoadFile(const std::string& bytes) {
  auto copy = std::make_unique<char[]>(bytes.size());
  std::memcpy(copy.get(), bytes.data(), bytes.size());
  const double began = CpuSeconds();
  auto map = directory::UserMap::Parse(std::move(copy), bytes.size());
  if (!map) {
    std::fprintf(stderr, "%s\n", map.error().c_str());
    return nullptr;
  }
  std::printf("load       every record looked at: %.2f s of CPU, %.1f MiB kept\n",
              CpuSeconds() - began, static_cast<double>((*map)->bytes()) / kMebi);
  return *map;
}

// Names in an order that no cache foresees. False: not as many were found as should have been.
bool Ask(const directory::UserMap& map, const char* what, size_t first, size_t users, bool known) {
  constexpr size_t kBatch = 1000;
  constexpr uint64_t kStep = 0x9E3779B97F4A7C15;
  uint64_t state = 1;
  size_t found = 0;
  double took = 0;
  std::string names[kBatch];
  for (size_t asked = 0; asked < kLookups; asked += kBatch) {
    for (std::string& name : names) name = UserName(first + (state += kStep) % users);
    const double began = CpuSeconds();
    for (const std::string& name : names) found += map.Find(name) ? 1 : 0;
    took += CpuSeconds() - began;
  }
  std::printf("%-10s %zu look-ups, one thread: %.2f million a second, %.0f ns each\n", what,
              kLookups, 1e-6 * static_cast<double>(kLookups) / took,
              1e9 * took / static_cast<double>(kLookups));
  return found == (known ? kLookups : 0);
}

int Main(int argc, char** argv) {
  CLI::App app{"Makes a user map of made-up users, loads it, and looks names up in it"};
  size_t users = 2'000'000;
  app.add_option("--users", users, "how many users")->check(CLI::Range(1, 50'000'000));
  CLI11_PARSE(app, argc, argv);

  const std::string bytes = BuildFile(users);
  if (bytes.empty()) return 1;
  const auto map = LoadFile(bytes);
  if (map == nullptr) return 1;
  const bool right =
      Ask(*map, "known", 0, users, true) && Ask(*map, "unknown", users, users, false);
  if (!right) std::fprintf(stderr, "the map knows others than it should\n");
  return right ? 0 : 1;
}

}  // namespace
}  // namespace poplar::bench

int main(int argc, char** argv) { return poplar::bench::Main(argc, argv); }
