#include "tests/simulation/scenario.h"

#include "tests/simulation/echo_scenario.h"

namespace poplar::simulation {
namespace {

template <EchoMistake mistake>
void Echo(World& world) {
  RunEcho(world, mistake);
}

constexpr Scenario kScenarios[] = {
    {"echo", &Echo<EchoMistake::kNone>},
    {"echo_drops_tiny_piece", &Echo<EchoMistake::kDropsTinyPiece>, true},
    {"echo_ignores_short_buffer", &Echo<EchoMistake::kIgnoresShortBuffer>, true},
    {"echo_leaks_socket", &Echo<EchoMistake::kLeaksSocket>, true},
    {"echo_forgets_deadline", &Echo<EchoMistake::kForgetsDeadline>, true},
    {"echo_holds_buffer", &Echo<EchoMistake::kHoldsBuffer>, true},
};

}  // namespace

std::span<const Scenario> AllScenarios() { return kScenarios; }

}  // namespace poplar::simulation
