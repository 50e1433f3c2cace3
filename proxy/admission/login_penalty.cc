#include "proxy/admission/login_penalty.h"

#include <algorithm>
#include <limits>

namespace poplar::admission {
namespace {

// One user's part of the logins of an address that may wait.
constexpr int kWaitingPart = 4;

constexpr int kPairFailuresMax = kPenaltyStepsMax + kKnownMistakes;

// An entry that had to give way has forgotten its places, too.
struct LeavePlace {
  template <class Entry>
  void operator()(Entry& entry) const {
    if (entry.failures.waiting > 0) --entry.failures.waiting;
  }
};

int AddressFailuresMax(const PenaltyRules& rules) {
  return kPenaltyStepsMax + rules.address_allowance;
}

}  // namespace

LoginPenalty::LoginPenalty(uint64_t key, const Sizes& sizes)
    : key_(key), addresses_(sizes.addresses), pairs_(sizes.pairs), known_(sizes.known) {}

LoginPenalty::Wait LoginPenalty::Before(const PenaltyRules& rules, const io::Address& address,
                                        std::string_view user, io::Time now) {
  Wait wait;
  if (!rules.enabled || rules.trusted.Contains(address)) return wait;
  const AddressGroup group = GroupOf(address, rules.address_bits);
  const uint64_t there = TagOf(key_, group);
  const uint64_t pair = TagOf(key_, group, user);
  const bool known = IsKnown(pair, now);
  int steps = 0;
  pairs_.Find(pair, [&](const PairEntry& entry) {
    steps = Left(entry.failures, kPairFailuresMax, rules, now) - (known ? kKnownMistakes : 0);
  });
  if (!known) {
    addresses_.Find(there, [&](const AddressEntry& entry) {
      steps = std::max(steps, Left(entry.failures, AddressFailuresMax(rules), rules, now) -
                                  rules.address_allowance);
    });
  }
  if (steps <= 0) return wait;
  // Somebody who is known has no part in what the others of the address wait for.
  const int most = rules.waiting_per_address;
  const int pair_most = known ? most : std::max(1, most / kWaitingPart);
  wait.refused_ =
      !TakePlace(there, pair, known ? std::numeric_limits<uint16_t>::max() : most, pair_most);
  if (wait.refused_) return wait;
  wait.penalty_ = this;
  wait.address_ = there;
  wait.pair_ = pair;
  wait.delay_ = DelayOf(steps, rules);
  return wait;
}

void LoginPenalty::Rejected(const PenaltyRules& rules, const io::Address& address,
                            std::string_view user, std::optional<uint64_t> secret, io::Time now) {
  if (!rules.enabled || rules.trusted.Contains(address)) return;
  const AddressGroup group = GroupOf(address, rules.address_bits);
  const auto worth = [](const auto& entry) { return WorthOf(entry.failures); };
  bool repeated = false;
  pairs_.Put(TagOf(key_, group, user), worth, [&](PairEntry& entry) {
    if (secret) {
      const uint32_t digest = std::max<uint32_t>(1, static_cast<uint32_t>(*secret >> 32));
      auto& last = entry.secrets;
      const auto seen = std::find(last.begin(), last.end(), digest);
      repeated = seen != last.end();
      std::rotate(last.begin(), repeated ? seen : last.end() - 1, repeated ? seen + 1 : last.end());
      last.front() = digest;
    }
    if (!repeated) Add(entry.failures, kPairFailuresMax, rules, now);
  });
  if (repeated) return;
  addresses_.Put(TagOf(key_, group), worth, [&](AddressEntry& entry) {
    Add(entry.failures, AddressFailuresMax(rules), rules, now);
  });
  if (tell_) tell_({.address = TagOf(key_, group), .pair = TagOf(key_, group, user)});
}

void LoginPenalty::Apply(const PenaltyRules& rules, const PenaltyNote& note, io::Time when) {
  if (!rules.enabled) return;
  if (note.cleared) {
    pairs_.Find(note.pair, [](PairEntry& entry) { entry.failures.count = 0; });
    return;
  }
  const auto worth = [](const auto& entry) { return WorthOf(entry.failures); };
  pairs_.Put(note.pair, worth,
             [&](PairEntry& entry) { Add(entry.failures, kPairFailuresMax, rules, when); });
  addresses_.Put(note.address, worth, [&](AddressEntry& entry) {
    Add(entry.failures, AddressFailuresMax(rules), rules, when);
  });
}

// The address keeps its count: whoever has an account of his own could clear it at will.
void LoginPenalty::Succeeded(const PenaltyRules& rules, const io::Address& address,
                             std::string_view user, io::Time now) {
  if (!rules.enabled || rules.trusted.Contains(address)) return;
  const uint64_t pair = TagOf(key_, GroupOf(address, rules.address_bits), user);
  bool had_failed = false;
  pairs_.Find(pair, [&](PairEntry& entry) {
    had_failed = std::exchange(entry.failures.count, uint16_t{0}) > 0;
  });
  if (had_failed && tell_) tell_({.pair = pair, .cleared = true});
  if (rules.known_for == io::Duration::zero()) return;
  const auto worth = [](const KnownEntry& entry) { return static_cast<uint64_t>(entry.until); };
  known_.Put(pair, worth, [&](KnownEntry& entry) {
    entry.until = (now + rules.known_for).time_since_epoch().count();
  });
}

bool LoginPenalty::IsKnown(uint64_t pair, io::Time now) {
  bool known = false;
  known_.Find(
      pair, [&](const KnownEntry& entry) { known = entry.until > now.time_since_epoch().count(); });
  return known;
}

// What is left of them: they are forgotten one by one, the most there can be within forget_after.
int LoginPenalty::Left(const Failures& failures, int most, const PenaltyRules& rules,
                       io::Time now) {
  const int64_t one = std::max<int64_t>(rules.forget_after.count() / most, 1);
  const int64_t forgotten = (now.time_since_epoch().count() - failures.last) / one;
  return static_cast<int>(std::max<int64_t>(failures.count - std::max<int64_t>(forgotten, 0), 0));
}

void LoginPenalty::Add(Failures& failures, int most, const PenaltyRules& rules, io::Time now) {
  failures.count = static_cast<uint16_t>(std::min(Left(failures, most, rules, now) + 1, most));
  failures.last = std::max(failures.last, now.time_since_epoch().count());
}

io::Duration LoginPenalty::DelayOf(int steps, const PenaltyRules& rules) {
  io::Duration delay = rules.first;
  for (int i = 1; i < steps && delay < rules.longest; ++i) delay *= 2;
  return std::min(delay, rules.longest);
}

// Places are kept; then who has failed more, then who has failed last.
uint64_t LoginPenalty::WorthOf(const Failures& failures) {
  constexpr int kTimeBits = 47;
  constexpr int kCountBits = 16;
  // In steps of 2^17 ns, so that what a process lives through fits in.
  const uint64_t last = static_cast<uint64_t>(failures.last) >> 17;
  return (failures.waiting > 0 ? uint64_t{1} << (kTimeBits + kCountBits) : 0) |
         uint64_t{failures.count} << kTimeBits | last;
}

bool LoginPenalty::TakePlace(uint64_t address, uint64_t pair, int address_most, int pair_most) {
  const auto worth = [](const auto& entry) { return WorthOf(entry.failures); };
  const auto take = [](int most, bool* taken) {
    return [most, taken](auto& entry) {
      *taken = entry.failures.waiting < most;
      if (*taken) ++entry.failures.waiting;
    };
  };
  bool in_pair = false;
  pairs_.Put(pair, worth, take(pair_most, &in_pair));
  if (!in_pair) return false;
  bool in_address = false;
  addresses_.Put(address, worth, take(address_most, &in_address));
  if (in_address) return true;
  pairs_.Find(pair, LeavePlace{});
  return false;
}

LoginPenalty::Wait& LoginPenalty::Wait::operator=(Wait&& other) noexcept {
  Leave();
  penalty_ = std::exchange(other.penalty_, nullptr);
  address_ = other.address_;
  pair_ = other.pair_;
  delay_ = other.delay_;
  refused_ = other.refused_;
  return *this;
}

void LoginPenalty::Wait::Leave() {
  LoginPenalty* const penalty = std::exchange(penalty_, nullptr);
  if (penalty == nullptr) return;
  penalty->pairs_.Find(pair_, LeavePlace{});
  penalty->addresses_.Find(address_, LeavePlace{});
}

}  // namespace poplar::admission
