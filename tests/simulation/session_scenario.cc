#include "tests/simulation/session_scenario.h"

#include "tests/simulation/session_story.h"

namespace poplar::simulation {

namespace {

Totals totals;

}  // namespace

void RunSession(World& world, SessionMistake mistake) {
  SessionStory story(world, mistake);
  story.Run();
  story.AddTo(totals);
}

const Totals& SessionTotals() { return totals; }

}  // namespace poplar::simulation
