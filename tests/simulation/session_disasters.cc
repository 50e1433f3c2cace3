#include "tests/simulation/session_disasters.h"

#include <algorithm>
#include <string>
#include <utility>

namespace poplar::simulation {
namespace {

constexpr io::Duration kNever = io::Duration::max();
constexpr io::Duration kShortDeath = std::chrono::seconds(2);
constexpr io::Duration kLongestFreeze = std::chrono::minutes(5);

}  // namespace

SessionDisasters::SessionDisasters(World& world, Network& network, SessionPoplar& poplar,
                                   SessionMail& mail,
                                   std::vector<std::unique_ptr<SessionNode>>& nodes,
                                   Restart restart)
    : world_(world),
      network_(network),
      poplar_(poplar),
      mail_(mail),
      nodes_(nodes),
      restart_(std::move(restart)),
      random_(world.Stream("disasters")) {}

void SessionDisasters::Plan(Climate climate, const SessionRules& rules) {
  const bool wild = climate == Climate::kWild;
  if (random_.Chance(0.25)) PlanOperator(climate != Climate::kCalm && random_.Chance(0.5));
  const bool matters = climate == Climate::kMortal || rules.stale > io::Duration(0);
  if (random_.Chance(matters ? 0.8 : 0.3)) PlanMail();
  if (climate == Climate::kMortal) PlanDeaths();
  PlanPauses(rules);
  if (!wild) return;
  for (int i = 0; i < 3 && random_.Chance(0.35); ++i) {
    PlanNode(random_.Below(nodes_.size()), DrawMoment(random_));
  }
  if (random_.Chance(0.15)) PlanStop();
}

void SessionDisasters::PlanNode(size_t node, io::Duration when) {
  const io::Duration back = random_.Chance(0.7) ? when + DrawMoment(random_) : kNever;
  const std::string name = "node " + std::to_string(node);
  const auto happens = [&](const char* what) { return world_.Allows(name + what); };
  const io::Address host = nodes_[node]->proactor().host();
  switch (random_.Below(5)) {
    case 0:
      if (!happens(" dies")) return;
      Happen(when, [this, node] { nodes_[node]->proactor().Kill(); });
      Happen(back, [this, node] { restart_(node); });
      break;
    case 1:
      if (!happens(" vanishes")) return;
      Happen(when, [this, host] { network_.Vanish(host); });
      Happen(back, [this, host] { network_.Return(host); });
      break;
    case 2:
      if (!happens(" refuses")) return;
      Happen(when, [this, node] { nodes_[node]->Refuse(); });
      Happen(back, [this, node] { nodes_[node]->Start(); });
      break;
    case 3:
      if (!happens(" stands still")) return;
      // It has to unwind at the end.
      PlanFreeze(node, when, std::min(back, kLongestFreeze));
      break;
    default:
      if (!happens(" has trouble")) return;
      PlanTrouble(node, when, back);
  }
  nodes_fail_ = true;
}

// The same process: there may be another by then.
void SessionDisasters::PlanFreeze(size_t node, io::Duration when, io::Duration until) {
  const auto process = std::make_shared<SimProactor*>();
  Happen(when, [this, node, process] {
    *process = &nodes_[node]->proactor();
    (*process)->Freeze(true);
  });
  Happen(until, [process] { (*process)->Freeze(false); });
}

void SessionDisasters::PlanTrouble(size_t node, io::Duration when, io::Duration until) {
  const bool logins = random_.Chance(0.6);
  const NodeTrouble trouble{logins, random_.Chance(0.7) ? random_.Between(1, 4) : 0};
  Happen(when, [this, node, trouble] { nodes_[node]->trouble() = trouble; });
  Happen(until, [this, node] { nodes_[node]->trouble() = {}; });
}

// One after the other, each of them back within two seconds: as processes, or as if nothing had
// been.
void SessionDisasters::PlanDeaths() {
  io::Duration when = DrawMoment(random_);
  for (uint64_t i = random_.Between(1, 6); i > 0; --i) {
    const size_t node = random_.Below(nodes_.size());
    const io::Duration back = when + std::min(DrawMoment(random_), kShortDeath);
    const bool freezes = random_.Chance(0.2);
    const std::string name = "death " + std::to_string(i) + " of node " + std::to_string(node);
    if (!world_.Allows(name)) {
    } else if (freezes) {
      PlanFreeze(node, when, back);
    } else {
      Happen(when, [this, node] { nodes_[node]->proactor().Kill(); });
      Happen(back, [this, node] { restart_(node); });
    }
    when = back + DrawMoment(random_);
  }
}

// Drain or down, and up again; the same node or another, up to three times.
void SessionDisasters::PlanOperator(bool drops) {
  io::Duration when = DrawMoment(random_);
  for (uint64_t i = random_.Between(1, 3); i > 0; --i) {
    const size_t node = random_.Below(nodes_.size());
    const bool down = drops && random_.Chance(0.5);
    const io::Duration until = when + DrawMoment(random_);
    const bool returns = random_.Chance(0.8);
    if (world_.Allows("operator " + std::to_string(i))) {
      drains_nodes_ = true;
      drops_nodes_ |= down;
      const auto state = down ? balancer::AdminState::kDown : balancer::AdminState::kDrain;
      Happen(when, [this, node, state] { poplar_.SetAdmin(node, state); });
      Happen(returns ? until : kNever,
             [this, node] { poplar_.SetAdmin(node, balancer::AdminState::kUp); });
    }
    when = until + DrawMoment(random_);
  }
}

void SessionDisasters::PlanMail() {
  for (uint64_t i = random_.Between(1, 4); i > 0; --i) {
    const size_t user = random_.Below(mail_.users().size());
    const io::Duration when = DrawMoment(random_);
    const bool comes = random_.Chance(0.6);
    const uint64_t unaware = random_.Below(uint64_t{1} << nodes_.size());
    if (!world_.Allows((comes ? "mail comes " : "mail goes ") + std::to_string(i))) continue;
    Happen(when, [this, user, comes, unaware] {
      for (size_t node = 0; node < nodes_.size(); ++node) {
        // They have looked a moment before.
        if ((unaware >> node & 1) != 0)
          nodes_[node]->view().Look(mail_.users()[user].name, world_.Now());
      }
      if (comes) mail_.Arrive(user, world_.Now());
      if (!comes) mail_.Expunge(user);
    });
  }
}

void SessionDisasters::PlanStop() {
  const io::Duration first = DrawMoment(random_);
  const bool aborts = random_.Chance(0.3);
  const bool then_aborts = random_.Chance(0.5);
  const io::Duration second = first + DrawMoment(random_);
  if (!world_.Allows("Poplar stops")) return;
  stops_poplar_ = true;
  if (!aborts) Happen(first, [this] { poplar_.Drain(); });
  if (aborts || then_aborts) Happen(aborts ? first : second, [this] { poplar_.Abort(); });
}

void SessionDisasters::PlanPauses(const SessionRules& rules) {
  for (const Pause& pause : rules.pauses) {
    const auto freeze = [this, worker = pause.worker](bool frozen) {
      if (worker) {
        poplar_.FreezeWorker(*worker, frozen);
      } else {
        poplar_.Freeze(frozen);
      }
    };
    Happen(pause.begin, [freeze] { freeze(true); });
    Happen(pause.begin + pause.duration, [freeze] { freeze(false); });
  }
}

void SessionDisasters::Happen(io::Duration when, std::function<void()> what) {
  if (when != kNever) world_.After(when, std::move(what));
}

}  // namespace poplar::simulation
