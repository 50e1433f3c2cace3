#include "proxy/shared_state/claim_gate.h"

#include <memory>
#include <optional>
#include <utility>

#include "proxy/io/sync.h"

namespace poplar::shared_state {
namespace {

// Between who asks and who answers; whoever is later finds it still there.
struct Question {
  explicit Question(io::Proactor& proactor) : done(proactor.ready()) {}

  io::Event done;
  std::optional<ClaimAnswer> answer;
  bool given_up = false;
};

}  // namespace

bool ClaimGate::Awaited() const {
  return replica_.reach(proactor_.Now()) == Replica::Reach::kAwaited;
}

io::Task<ClaimAnswer> ClaimGate::Ask(Claim claim) {
  const Replica::Reach reach = replica_.reach(proactor_.Now());
  if (reach == Replica::Reach::kAwaited) co_return ClaimAnswer{.kind = ClaimAnswer::Kind::kLater};
  if (reach == Replica::Reach::kAway) {
    replica_.Skipped();
    replica_.Concluded(ClaimAnswer::Kind::kAlone);
    co_return ClaimAnswer{};
  }
  const auto question = std::make_shared<Question>(proactor_);
  io::Timer timer(
      proactor_.timers(), [](void* event) { static_cast<io::Event*>(event)->Signal(); },
      &question->done);
  timer.Arm(proactor_.Now() + replica_.timeout());
  replica_.Ask(claim, [&proactor = proactor_, &replica = replica_, claim,
                       question](const ClaimAnswer& answer) {
    proactor.PostFromAnyThread([&replica, claim, question, answer] {
      if (question->given_up) return replica.CameLate(claim, answer);
      question->answer = answer;
      question->done.Signal();
    });
  });
  co_await question->done.Wait();
  if (!question->answer) {
    question->given_up = true;
    replica_.GaveUp();
  }
  const ClaimAnswer answer = question->answer.value_or(ClaimAnswer());
  replica_.Concluded(answer.kind);
  co_return answer;
}

}  // namespace poplar::shared_state
