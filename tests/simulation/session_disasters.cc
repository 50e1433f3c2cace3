#include "tests/simulation/session_disasters.h"

#include <utility>

namespace poplar::simulation {

io::Duration DrawMoment(SeededRandom& random) {
  const auto scale = static_cast<int64_t>(uint64_t{1} << random.Between(4, 25));
  return random.Between(io::Duration(0), io::Duration(std::chrono::microseconds(scale)));
}

SessionDisasters::SessionDisasters(World& world, Network& network, SessionPoplar& poplar,
                                   std::vector<std::unique_ptr<SessionNode>>& nodes,
                                   Restart restart)
    : world_(world),
      network_(network),
      poplar_(poplar),
      nodes_(nodes),
      restart_(std::move(restart)),
      random_(world.Stream("disasters")) {}

void SessionDisasters::Plan(bool calm) {
  if (random_.Chance(0.25)) PlanOperator(!calm && random_.Chance(0.5));
  if (calm) return;
  for (int i = 0; i < 3 && random_.Chance(0.35); ++i) {
    PlanNode(random_.Below(nodes_.size()), DrawMoment(random_));
  }
  if (random_.Chance(0.15)) PlanStop();
}

void SessionDisasters::PlanNode(size_t node, io::Duration when) {
  nodes_fail_ = true;
  const bool returns = random_.Chance(0.7);
  const io::Duration back = when + DrawMoment(random_);
  switch (random_.Below(4)) {
    case 0:
      world_.After(when, [this, node] { nodes_[node]->proactor().Kill(); });
      if (returns) world_.After(back, [this, node] { restart_(node); });
      break;
    case 1: {
      const io::Address host = nodes_[node]->proactor().host();
      world_.After(when, [this, host] { network_.Vanish(host); });
      if (returns) world_.After(back, [this, host] { network_.Return(host); });
      break;
    }
    case 2:
      world_.After(when, [this, node] { nodes_[node]->Refuse(); });
      if (returns) world_.After(back, [this, node] { nodes_[node]->Start(); });
      break;
    default:
      world_.After(when, [this, node] { nodes_[node]->set_troubled(true); });
      if (returns) world_.After(back, [this, node] { nodes_[node]->set_troubled(false); });
  }
}

// Drain or down, and up again; the same node or another, up to three times.
void SessionDisasters::PlanOperator(bool drops) {
  drains_nodes_ = true;
  drops_nodes_ = drops;
  io::Duration when = DrawMoment(random_);
  for (uint64_t i = random_.Between(1, 3); i > 0; --i) {
    const size_t node = random_.Below(nodes_.size());
    const auto state =
        drops && random_.Chance(0.5) ? balancer::AdminState::kDown : balancer::AdminState::kDrain;
    world_.After(when, [this, node, state] { poplar_.SetAdmin(node, state); });
    when += DrawMoment(random_);
    if (random_.Chance(0.8)) {
      world_.After(when, [this, node] { poplar_.SetAdmin(node, balancer::AdminState::kUp); });
    }
    when += DrawMoment(random_);
  }
}

void SessionDisasters::PlanStop() {
  stops_poplar_ = true;
  const io::Duration first = DrawMoment(random_);
  if (random_.Chance(0.3)) {
    world_.After(first, [this] { poplar_.Abort(); });
    return;
  }
  world_.After(first, [this] { poplar_.Drain(); });
  if (random_.Chance(0.5)) {
    world_.After(first + DrawMoment(random_), [this] { poplar_.Abort(); });
  }
}

}  // namespace poplar::simulation
