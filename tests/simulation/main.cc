// simulation [--scenario NAME] [--seeds COUNT] [--first SEED]
//            | --seed SEED --scenario NAME [--log] [--without TROUBLES] [--shrink] | --list
// Tells each scenario (or the one named) for COUNT seeds from FIRST on. The first failure ends the
// process with its log and the command that replays it. tests/simulation/run builds and starts it.
#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "proxy/io/system_clock.h"
#include "tests/simulation/replay.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/shrink.h"
#include "tests/simulation/world.h"

namespace poplar::simulation {
namespace {

struct Arguments {
  std::string scenario;  // empty: all that are not wrong on purpose
  uint64_t seeds = 2000;
  uint64_t first = 1;
  World::Omissions without;
  bool log = false;
  bool list = false;
  bool shrink = false;
};

bool ParseNumber(const char* text, uint64_t& number) {
  char* end = nullptr;
  number = std::strtoull(text, &end, 10);
  return *text >= '0' && *text <= '9' && *end == '\0';
}

World::Omissions ParseTroubles(const std::string& text) {
  World::Omissions troubles;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    troubles.insert(text.substr(at, end - at));
    at = end + 1;
  }
  return troubles;
}

bool ParseSwitch(const std::string& word, Arguments& arguments) {
  arguments.log |= word == "--log";
  arguments.list |= word == "--list";
  arguments.shrink |= word == "--shrink";
  return word == "--log" || word == "--list" || word == "--shrink";
}

bool Parse(int count, char** words, Arguments& arguments) {
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const char* value = i + 1 < count ? words[i + 1] : nullptr;
    if (ParseSwitch(word, arguments)) continue;
    if (value == nullptr) return false;
    ++i;
    if (word == "--scenario") {
      arguments.scenario = value;
    } else if (word == "--seeds") {
      if (!ParseNumber(value, arguments.seeds)) return false;
    } else if (word == "--first") {
      if (!ParseNumber(value, arguments.first)) return false;
    } else if (word == "--seed") {
      if (!ParseNumber(value, arguments.first)) return false;
      arguments.seeds = 1;
    } else if (word == "--without") {
      arguments.without = ParseTroubles(value);
    } else {
      return false;
    }
  }
  return true;
}

constexpr uint64_t kSeedsForAll = 1000;

// False: something that the scenario is about never happened.
bool ReportTotals(const Scenario& scenario, uint64_t seeds) {
  if (scenario.totals == nullptr) return true;
  bool all = true;
  for (const auto& [what, count] : scenario.totals()) {
    std::printf("  %10" PRIu64 " %s\n", count, what.c_str());
    all &= count > 0;
  }
  if (all || seeds < kSeedsForAll) return true;
  std::fprintf(stderr, "%s never got to all of these: it proves little\n", scenario.name);
  return false;
}

bool RunScenario(const Scenario& scenario, const Arguments& arguments) {
  SetReplayedScenario(scenario.name);
  if (arguments.shrink && arguments.seeds == 1) {
    if (Shrink(scenario, arguments.first, arguments.without)) return false;
    std::printf("seed %" PRIu64 " of %s doesn't fail\n", arguments.first, scenario.name);
    return true;
  }
  const io::SystemClock real;
  const io::Time begin = real.Now();
  uint64_t events = 0;
  for (uint64_t i = 0; i < arguments.seeds; ++i) {
    World world(arguments.first + i, arguments.without);
    scenario.run(world);
    events += world.steps();
    if (arguments.log) world.log().Print(stdout);
    if (arguments.seeds == 1) std::printf("digest %016" PRIx64 "\n", world.log().digest());
  }
  const double seconds = io::Seconds(real.Now() - begin);
  std::printf("%s: %" PRIu64 " seeds from %" PRIu64 " on, %" PRIu64
              " events, %.2f s, %.0f seeds/s\n",
              scenario.name, arguments.seeds, arguments.first, events, seconds,
              static_cast<double>(arguments.seeds) / seconds);
  return ReportTotals(scenario, arguments.seeds);
}

int Main(int count, char** words) {
  Arguments arguments;
  if (!Parse(count, words, arguments)) {
    std::fprintf(stderr,
                 "usage: run [--scenario NAME] [--seeds COUNT] [--first SEED]\n"
                 "       run --seed SEED --scenario NAME [--log] [--without TROUBLES] [--shrink]\n"
                 "       run --list\n");
    return 2;
  }
  InstallReplayReport();
  bool found = arguments.list;
  bool good = true;
  for (const Scenario& scenario : AllScenarios()) {
    if (arguments.list) std::printf("%s\n", scenario.name);
    const bool wanted = arguments.scenario.empty() ? !scenario.wrong_on_purpose
                                                   : arguments.scenario == scenario.name;
    if (arguments.list || !wanted) continue;
    found = true;
    good &= RunScenario(scenario, arguments);
  }
  if (!found) std::fprintf(stderr, "no scenario is called %s\n", arguments.scenario.c_str());
  if (!found) return 2;
  return good ? 0 : 1;
}

}  // namespace
}  // namespace poplar::simulation

int main(int count, char** words) { return poplar::simulation::Main(count, words); }
