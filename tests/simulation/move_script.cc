#include "tests/simulation/move_script.h"

#include "tests/simulation/pauses.h"

namespace poplar::simulation {
namespace {

using balancer::kAllPermille;

uint32_t DrawShare(SeededRandom& random) {
  return random.Chance(0.6) ? kAllPermille : static_cast<uint32_t>(random.Between(1, kAllPermille));
}

void DrawWhom(SeededRandom& random, const SessionMail& mail, balancer::MoveRule& rule) {
  switch (random.Below(3)) {
    case 0:
      for (const SessionMail::User& user : mail.users()) {
        if (rule.users.empty() || random.Chance(0.3)) rule.users.push_back(user.name);
      }
      break;
    case 1:
      rule.domains.emplace_back(random.Chance(0.7) ? SessionMail::DomainOf(0) : ".example");
      break;
    default:
      break;
  }
}

}  // namespace

MoveScript DrawMove(World& world, const SessionMail& mail) {
  SeededRandom random = world.Stream("move");
  MoveScript script;
  script.rule.name = "to next";
  script.rule.from = balancer::ClusterId{0};
  script.rule.to = balancer::ClusterId{1};
  DrawWhom(random, mail, script.rule);
  script.rule.permille = random.Chance(0.8) ? 0 : DrawShare(random);
  uint32_t share = script.rule.permille;
  io::Duration when{};
  for (uint64_t i = random.Between(1, 4); i > 0; --i) {
    when += DrawMoment(random);
    const bool back = share > 0 && random.Chance(0.5);
    const uint32_t next = back ? 0 : DrawShare(random);
    if (!world.Allows("move's step " + std::to_string(i))) continue;
    share = next;
    script.steps.push_back({when, share});
  }
  return script;
}

}  // namespace poplar::simulation
