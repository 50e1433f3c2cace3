#pragma once

#include <cstddef>
#include <cstdint>

// Every bound on what strangers can make this folder remember. Tables have their size from the
// start (untouched pages cost nothing) and forget what matters least; only what connections hold
// grows with them.
namespace poplar::admission {

// Addresses whose wrong passwords are remembered: 24 bytes each.
inline constexpr size_t kPenaltyAddressesMax = size_t{64} * 1024;

// Users at an address (pairs) whose wrong passwords are remembered: 64 bytes each.
inline constexpr size_t kPenaltyPairsMax = size_t{64} * 1024;

// Pairs that logged in well: 16 bytes each. Of their own, so that nobody who guesses can push them
// out.
inline constexpr size_t kKnownPairsMax = size_t{256} * 1024;

// Addresses whose rate of new connections is remembered: 16 bytes each.
inline constexpr size_t kRatedAddressesMax = size_t{64} * 1024;

// Wrong secrets of a pair that count once however often they come.
inline constexpr size_t kRepeatedSecrets = 10;

// Wrong secrets by which a user who is known at an address doesn't have to wait there.
inline constexpr int kKnownMistakes = 10;

// Beyond so many wrong secrets, allowances apart, nothing grows any more: the first delay has
// doubled to the longest long before, and all is forgotten step by step from here.
inline constexpr int kPenaltyStepsMax = 20;

}  // namespace poplar::admission
