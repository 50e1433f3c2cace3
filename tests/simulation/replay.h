#pragma once

#include <string>

namespace poplar::simulation {

class World;

// From now on a process that dies (a failed assert, World::Fail, a sanitizer's report, a bad
// access) prints the event log of the world it was in and the command that replays it.
void InstallReplayReport();

// Which scenario is being run, as `--scenario` takes it.
void SetReplayedScenario(const std::string& name);

// For World: the one that lives now.
void SetReplayedWorld(World* world);

// "tests/simulation/run --seed 7 --scenario echo"
std::string ReplayCommand(unsigned long long seed);

}  // namespace poplar::simulation
