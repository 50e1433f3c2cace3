#pragma once

#include <cstdint>
#include <initializer_list>

#include "proxy/pop3/sasl_message.h"

namespace poplar::pop3 {

class MechanismSet {
 public:
  constexpr MechanismSet() = default;
  constexpr MechanismSet(std::initializer_list<Mechanism> mechanisms) {
    for (Mechanism mechanism : mechanisms) Add(mechanism);
  }
  static constexpr MechanismSet All() {
    MechanismSet all;
    for (size_t i = 0; i < kMechanismCount; ++i) all.Add(static_cast<Mechanism>(i));
    return all;
  }

  constexpr void Add(Mechanism mechanism) { bits_ |= Bit(mechanism); }
  constexpr void Remove(Mechanism mechanism) { bits_ &= static_cast<uint8_t>(~Bit(mechanism)); }
  constexpr bool Has(Mechanism mechanism) const { return (bits_ & Bit(mechanism)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }

  // What both have.
  friend constexpr MechanismSet operator&(MechanismSet a, MechanismSet b) {
    a.bits_ &= b.bits_;
    return a;
  }
  friend constexpr bool operator==(MechanismSet, MechanismSet) = default;

 private:
  static_assert(kMechanismCount <= 8);
  static constexpr uint8_t Bit(Mechanism mechanism) {
    return static_cast<uint8_t>(1u << static_cast<unsigned>(mechanism));
  }

  uint8_t bits_ = 0;
};

}  // namespace poplar::pop3
