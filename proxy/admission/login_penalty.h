#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "proxy/admission/address_group.h"
#include "proxy/admission/associative_table.h"
#include "proxy/admission/limits.h"
#include "proxy/io/address.h"
#include "proxy/io/clock.h"
#include "proxy/io/network.h"

namespace poplar::admission {

struct PenaltyRules {
  bool enabled = false;
  io::Duration first = std::chrono::seconds(2);
  io::Duration longest = std::chrono::seconds(15);
  int address_allowance =
      5;  // wrong secrets of all users of an address that cost the others nothing
  int waiting_per_address = 20;  // logins at once; a quarter of them of one user
  io::Duration forget_after = std::chrono::hours(1);
  io::Duration known_for = std::chrono::hours(24);
  PrefixBits address_bits;
  io::NetworkSet trusted;  // where nothing is counted
};

// What one replica tells the others: keyed digests only.
struct PenaltyNote {
  uint64_t address = 0;  // 0 where `cleared`
  uint64_t pair = 0;
  bool cleared = false;  // the pair has logged in well

  friend bool operator==(const PenaltyNote&, const PenaltyNote&) = default;
};

// Makes those who guess passwords wait before a node is asked: Dovecot's anvil with one more
// counter. Each wrong secret doubles the delay for that user at that address; beyond an allowance
// it also does so for the address's other users, but for those who are known there because they
// have logged in well. The same wrong secret again counts for nothing: a phone with an old password
// is not punished. Nothing counts for a user alone, so nobody is locked out from elsewhere, and
// whether a user exists plays no part, so nobody learns it here.
//
// Names and secrets are kept as hashes only. Memory is bounded (limits.h). Safe from any thread; no
// clock. `user` is the canonical name, `now` the world's time.
class LoginPenalty {
 public:
  struct Sizes {  // entries; powers of two
    size_t addresses = kPenaltyAddressesMax;
    size_t pairs = kPenaltyPairsMax;
    size_t known = kKnownPairsMax;
  };

  // `key`: random, one for the process and whoever shares its state.
  explicit LoginPenalty(uint64_t key) : LoginPenalty(key, Sizes()) {}
  LoginPenalty(uint64_t key, const Sizes& sizes);

  // A login's place among those of its address that wait. Gives it up when it goes.
  class [[nodiscard]] Wait {
   public:
    Wait() = default;
    Wait(Wait&& other) noexcept { *this = std::move(other); }
    Wait& operator=(Wait&& other) noexcept;
    ~Wait() { Leave(); }

    // Zero: go on at once.
    io::Duration delay() const { return delay_; }
    // Too many wait already: the login isn't to be tried at all.
    bool refused() const { return refused_; }
    void Leave();

   private:
    friend class LoginPenalty;
    LoginPenalty* penalty_ = nullptr;  // null: holds no place
    uint64_t address_ = 0;
    uint64_t pair_ = 0;
    io::Duration delay_{};
    bool refused_ = false;
  };

  // Before a node is asked, once the credential is complete.
  Wait Before(const PenaltyRules& rules, const io::Address& address, std::string_view user,
              io::Time now);

  // A node has refused the credential itself, and not for trouble of its own. `secret`: a keyed
  // digest; nothing where the secret wasn't seen (SCRAM): then each counts.
  void Rejected(const PenaltyRules& rules, const io::Address& address, std::string_view user,
                std::optional<uint64_t> secret, io::Time now);

  void Succeeded(const PenaltyRules& rules, const io::Address& address, std::string_view user,
                 io::Time now);

  // Before the first login: `tell` hears, on any thread, of all that counts.
  void OnCounted(std::function<void(const PenaltyNote&)> tell) { tell_ = std::move(tell); }
  // Something that counts has happened to another replica, which has the same key.
  void Apply(const PenaltyRules& rules, const PenaltyNote& note, io::Time when);

 private:
  // Times in nanoseconds of the world; all zero bytes: free.
  struct Failures {
    int64_t last;
    uint16_t count;
    uint16_t waiting;
  };
  struct AddressEntry {
    uint64_t tag;
    Failures failures;
  };
  struct PairEntry {
    uint64_t tag;
    Failures failures;
    std::array<uint32_t, kRepeatedSecrets> secrets;  // the last ones; 0: none
  };
  struct KnownEntry {
    uint64_t tag;
    int64_t until;
  };

  static int Left(const Failures& failures, int most, const PenaltyRules& rules, io::Time now);
  static void Add(Failures& failures, int most, const PenaltyRules& rules, io::Time now);
  static io::Duration DelayOf(int steps, const PenaltyRules& rules);
  static uint64_t WorthOf(const Failures& failures);
  bool IsKnown(uint64_t pair, io::Time now);
  bool TakePlace(uint64_t address, uint64_t pair, int address_most, int pair_most);

  const uint64_t key_;
  std::function<void(const PenaltyNote&)> tell_;
  AssociativeTable<AddressEntry> addresses_;
  AssociativeTable<PairEntry> pairs_;
  AssociativeTable<KnownEntry> known_;
};

}  // namespace poplar::admission
