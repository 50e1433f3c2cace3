#include "tests/simulation/seeded_random.h"

#include <bit>
#include <cassert>

namespace poplar::simulation {
namespace {

uint64_t SplitMix(uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

uint64_t Fnv1a(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace

SeededRandom::SeededRandom(uint64_t seed) {
  for (uint64_t& word : state_) word = SplitMix(seed);
}

SeededRandom::SeededRandom(uint64_t seed, std::string_view name)
    : SeededRandom(SplitMix(seed) ^ Fnv1a(name)) {}

uint64_t SeededRandom::Next() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

uint64_t SeededRandom::Below(uint64_t bound) {
  assert(bound > 0);
  return Next() % bound;  // the bias is below 2^-40 for every bound used here
}

uint64_t SeededRandom::Between(uint64_t low, uint64_t high) {
  assert(low <= high);
  return low + Below(high - low + 1);
}

io::Duration SeededRandom::Between(io::Duration low, io::Duration high) {
  assert(low <= high);
  return low +
         io::Duration(static_cast<int64_t>(Below(static_cast<uint64_t>((high - low).count()) + 1)));
}

bool SeededRandom::Chance(double probability) {
  if (probability <= 0) return false;
  return static_cast<double>(Next() >> 11) * 0x1p-53 < probability;
}

}  // namespace poplar::simulation
