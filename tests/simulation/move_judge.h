#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "balancer/moves.h"
#include "tests/simulation/session_mail.h"
#include "tests/simulation/world.h"

namespace poplar::simulation {

// Remembers in which cluster a move had each user, and when: what sessions are held to.
class MoveJudge {
 public:
  MoveJudge(World& world, const SessionMail& mail, const balancer::MoveRule& rule);

  // The operator has said so.
  void OnShare(uint32_t permille);

  // Whether at some moment from `from` to `to` the user was to be in the cluster.
  bool EverIn(size_t user, size_t cluster, io::Time from, io::Time to) const;
  bool EverElsewhere(size_t user, size_t cluster, io::Time from, io::Time to) const;
  // Since when the user has been to be elsewhere; nothing: is to be there.
  std::optional<io::Time> GoneSince(size_t user, size_t cluster) const;
  // Whether the user was moved, in either direction, at some moment from `from` to `to`.
  bool Changed(size_t user, io::Time from, io::Time to) const;
  uint64_t changes() const { return changes_; }

 private:
  struct Phase {
    io::Time since{};
    size_t cluster = 0;
  };
  static bool Means(const balancer::MoveRule& rule, const std::string& user);

  World& world_;
  std::vector<std::optional<uint32_t>> places_;  // by user, as are the next; nothing: isn't meant
  std::vector<std::vector<Phase>> phases_;
  uint64_t changes_ = 0;
};

}  // namespace poplar::simulation
