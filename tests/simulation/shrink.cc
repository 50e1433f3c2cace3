#include "tests/simulation/shrink.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/simulation/replay.h"

namespace poplar::simulation {
namespace {

// How a world ended that was told in a process of its own.
struct Ending {
  bool failed = false;
  std::string report;  // what it printed
};

[[noreturn]] void TellInChild(const Scenario& scenario, uint64_t seed, World::Omissions without,
                              int report) {
  dup2(report, STDERR_FILENO);
  dup2(report, STDOUT_FILENO);
  World world(seed, std::move(without));
  scenario.run(world);
  std::fflush(nullptr);
  std::_Exit(0);
}

Ending Tell(const Scenario& scenario, uint64_t seed, const World::Omissions& without) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return {};
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) TellInChild(scenario, seed, without, ends[1]);
  close(ends[1]);
  Ending ending;
  std::array<char, 4096> piece{};
  for (ssize_t n = 0; (n = read(ends[0], piece.data(), piece.size())) > 0;)
    ending.report.append(piece.data(), static_cast<size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  ending.failed = child > 0 && status != 0;
  return ending;
}

std::string_view LineBehind(std::string_view report, std::string_view words) {
  const size_t at = report.find(words);
  if (at == report.npos) return {};
  const std::string_view rest = report.substr(at + words.size());
  return rest.substr(0, rest.find('\n'));
}

// What failed, without who and when: another failure must not stand for the one that is looked for.
std::string_view KindOf(const Ending& ending) {
  const std::string_view text = LineBehind(ending.report, "simulation failed: ");
  return text.substr(0, text.find_first_of("(:\"0123456789"));
}

std::vector<std::string> TroublesOf(const Ending& ending) {
  std::vector<std::string> troubles;
  std::string_view text = LineBehind(ending.report, "its troubles: ");
  while (!text.empty() && text != "none") {
    const size_t end = text.find(',');
    troubles.emplace_back(text.substr(0, end));
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
  }
  return troubles;
}

}  // namespace

bool Shrink(const Scenario& scenario, uint64_t seed, World::Omissions without) {
  Ending least = Tell(scenario, seed, without);
  if (!least.failed) return false;
  // What one trouble hid may go once another is gone: until nothing more does.
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (const std::string& trouble : TroublesOf(least)) {
      World::Omissions fewer = without;
      fewer.insert(trouble);
      Ending ending = Tell(scenario, seed, fewer);
      if (!ending.failed || KindOf(ending) != KindOf(least)) continue;
      without = std::move(fewer);
      least = std::move(ending);
      smaller = true;
    }
  }
  std::fputs(least.report.c_str(), stdout);
  return true;
}

}  // namespace poplar::simulation
