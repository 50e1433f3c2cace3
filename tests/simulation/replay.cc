#include "tests/simulation/replay.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "tests/simulation/world.h"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wreserved-identifier"
extern "C" void __sanitizer_set_death_callback(void (*)()) __attribute__((weak));
#pragma clang diagnostic pop

namespace poplar::simulation {
namespace {

World* replayed_world = nullptr;
std::string replayed_scenario = "?";

template <class Troubles>
std::string TextOf(const Troubles& troubles) {
  std::string text;
  for (const std::string& trouble : troubles) text += (text.empty() ? "" : ",") + trouble;
  return text.empty() ? "none" : text;
}

void Report() {
  World* world = replayed_world;
  if (world == nullptr) return;
  replayed_world = nullptr;  // a fault while reporting must not report again
  std::fprintf(stderr, "the last events:\n");
  world->log().Print(stderr);
  std::fprintf(stderr, "its troubles: %s\n", TextOf(world->troubles()).c_str());
  std::string command = ReplayCommand(world->seed());
  if (!world->without().empty()) command += " --without '" + TextOf(world->without()) + "'";
  std::fprintf(stderr, "replay with:\n  %s\n", command.c_str());
  std::fflush(stderr);
}

// Not safe in a signal handler by the letter; but the process is about to die, single-threaded, and
// the report is worth the risk.
void OnDeath(int) {
  Report();
  std::_Exit(1);
}

}  // namespace

void InstallReplayReport() {
  std::signal(SIGABRT, &OnDeath);
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(&Report);
  } else {
    std::signal(SIGSEGV, &OnDeath);
  }
}

void SetReplayedScenario(const std::string& name) { replayed_scenario = name; }
void SetReplayedWorld(World* world) { replayed_world = world; }

std::string ReplayCommand(unsigned long long seed) {
  const std::string folder = POPLAR_BUILD_FOLDER;
  const std::string build = folder == "build/release" ? "" : "POPLAR_BUILD=" + folder + " ";
  return build + "tests/simulation/run --seed " + std::to_string(seed) + " --scenario " +
         replayed_scenario;
}

}  // namespace poplar::simulation
