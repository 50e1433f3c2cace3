#include "tests/simulation/scenario.h"

#include "tests/simulation/echo_scenario.h"
#include "tests/simulation/session_scenario.h"

namespace poplar::simulation {
namespace {

template <EchoMistake mistake>
void Echo(World& world) {
  RunEcho(world, mistake);
}

template <SessionMistake mistake>
void Session(World& world) {
  RunSession(world, mistake);
}

constexpr Scenario kScenarios[] = {
    {"echo", &Echo<EchoMistake::kNone>},
    {"echo_drops_tiny_piece", &Echo<EchoMistake::kDropsTinyPiece>, true},
    {"echo_ignores_short_buffer", &Echo<EchoMistake::kIgnoresShortBuffer>, true},
    {"echo_leaks_socket", &Echo<EchoMistake::kLeaksSocket>, true},
    {"echo_forgets_deadline", &Echo<EchoMistake::kForgetsDeadline>, true},
    {"echo_holds_buffer", &Echo<EchoMistake::kHoldsBuffer>, true},
    {"session", &Session<SessionMistake::kNone>, false, &SessionTotals},
    {"session_flips_byte", &Session<SessionMistake::kFlipsByte>, true},
    {"session_ends_half_message", &Session<SessionMistake::kEndsHalfMessage>, true},
    {"session_quits_by_itself", &Session<SessionMistake::kQuitsByItself>, true},
    {"session_claims_quit", &Session<SessionMistake::kClaimsQuit>, true},
    {"session_swaps_answers", &Session<SessionMistake::kSwapsAnswers>, true},
    {"session_ignores_affinity", &Session<SessionMistake::kIgnoresAffinity>, true},
    {"session_loses_record", &Session<SessionMistake::kLosesRecord>, true},
    {"session_forgets_deadline", &Session<SessionMistake::kForgetsDeadline>, true},
    {"session_exceeds_slots", &Session<SessionMistake::kExceedsSlots>, true},
    {"session_leaks_slot", &Session<SessionMistake::kLeaksSlot>, true},
    {"session_forgets_waiter", &Session<SessionMistake::kForgetsWaiter>, true},
    {"session_jumps_queue", &Session<SessionMistake::kJumpsQueue>, true},
    {"session_ignores_age", &Session<SessionMistake::kIgnoresAge>, true},
    {"session_renews_age", &Session<SessionMistake::kRenewsAge>, true},
    {"session_swaps_credential", &Session<SessionMistake::kSwapsCredential>, true},
    {"session_swaps_user", &Session<SessionMistake::kSwapsUser>, true},
    {"session_parks_with_delete", &Session<SessionMistake::kParksWithDelete>, true},
    {"session_forgets_user_limit", &Session<SessionMistake::kForgetsUserLimit>, true},
    {"session_forgets_login_deadline", &Session<SessionMistake::kForgetsLoginDeadline>, true},
    {"session_forgets_hold_down", &Session<SessionMistake::kForgetsHoldDown>, true},
    {"session_forgets_fall", &Session<SessionMistake::kForgetsFall>, true},
    {"session_forgets_rise", &Session<SessionMistake::kForgetsRise>, true},
};

}  // namespace

std::span<const Scenario> AllScenarios() { return kScenarios; }

}  // namespace poplar::simulation
