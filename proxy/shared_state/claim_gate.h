#pragma once

#include "proxy/io/proactor.h"
#include "proxy/shared_state/claims.h"
#include "proxy/shared_state/replica.h"

namespace poplar::shared_state {

// Asks the replica's worker for the sessions of another one, and goes on alone when it takes too
// long.
class ClaimGate final : public Claims {
 public:
  // Both outlive it.
  ClaimGate(io::Proactor& proactor, Replica& replica) : proactor_(proactor), replica_(replica) {}

  bool Awaited() const override;
  io::Task<ClaimAnswer> Ask(Claim claim) override;

 private:
  io::Proactor& proactor_;
  Replica& replica_;
};

}  // namespace poplar::shared_state
