#include "tests/simulation/session_scenario.h"

#include "tests/simulation/session_story.h"

namespace poplar::simulation {

void RunSession(World& world, SessionMistake mistake) { SessionStory(world, mistake).Run(); }

}  // namespace poplar::simulation
