#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "balancer/affinity.h"
#include "proxy/admission/login_penalty.h"
#include "proxy/io/proactor.h"
#include "proxy/io/sync.h"
#include "proxy/shared_state/agreement_text.h"
#include "proxy/shared_state/breaker.h"
#include "proxy/shared_state/claims.h"
#include "proxy/shared_state/host.h"
#include "proxy/shared_state/link.h"
#include "proxy/tls/keyed_digest.h"

namespace poplar::shared_state {

struct ReplicaSettings {
  Store store;
  std::string text;  // where the store is, for the log
  std::string prefix = "poplar";
  io::Duration timeout = std::chrono::milliseconds(50);
  io::Duration lease = std::chrono::seconds(15);
};

// This Poplar among its like: one for the process, on one worker's thread, by one link. Read Run
// first, then Beat; claims are in replica_claims.cc. README.md says what is promised, and what
// isn't.
class Replica final : public balancer::StayObserver {
 public:
  // For the metrics.
  enum class Request : uint8_t { kOk, kError, kTimeout, kSkipped };
  enum class Claimed : uint8_t { kGranted, kElsewhere, kAlone, kLost };
  struct Counts {
    std::array<uint64_t, 4> requests{};
    std::array<uint64_t, 4> claims{};
    size_t replicas = 1;
    bool up = false;
  };

  // All outlive it.
  Replica(io::Proactor& proactor, const ReplicaSettings& settings, balancer::Affinity& affinity,
          Host& host);
  // Run has returned, or was never begun; nobody holds a lease.
  ~Replica() override;
  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;

  // --- on the worker's thread

  io::Task<void> Run();
  // Run returns soon; who asks is alone from here on.
  void Stop();

  // --- from any thread

  // Whether it is worth asking: now; soon, since nobody has reached it yet or failed to, or since
  // it has just closed the connection (kReturnMax); or not, and a login goes on alone at once.
  enum class Reach : uint8_t { kUp, kAwaited, kAway };
  Reach reach(io::Time now) const {
    if (up()) return Reach::kUp;
    // It may come up between the two looks.
    return now < awaited_until_.load() || up() ? Reach::kAwaited : Reach::kAway;
  }
  bool up() const { return up_; }
  io::Duration timeout() const { return settings_.timeout; }
  // `answer` is called once, on the worker's thread, whenever that is.
  void Ask(Claim claim, std::function<void(const ClaimAnswer&)> answer);
  // Whoever asks says what has become of it: it has waited in vain, or not at all; what it went by;
  // and what it would have heard after it had gone on alone.
  void GaveUp();
  void Skipped() { Count(Request::kSkipped); }
  void Concluded(ClaimAnswer::Kind kind);
  void CameLate(const Claim& claim, const ClaimAnswer& late);

  void SessionsChanged(balancer::ClusterId cluster, std::string_view user) override;
  void StayEnded(balancer::ClusterId cluster, std::string_view user, uint64_t number) override;

  // To all other replicas, now or once the store is back.
  void Say(const Word& word);
  void Note(const admission::PenaltyNote& note);
  // A node's health has changed: the others are told now rather than with the next beat.
  void LookAtNodes();
  // Whether this replica has a say in what all agree on: it serves, and looks at the nodes. Those
  // that haven't are no replicas to count; their claims are like all others. At first it hasn't.
  void SetVoice(bool has_voice);

  Counts counts() const;

 private:
  struct Said {
    uint64_t number;
    std::string word;
    std::string setting;
  };

  io::Task<void> Carry(std::string& why);
  io::Task<void> Live();
  void TakeNewId();
  void AwaitReturn();
  void GoAlone(const std::string& why);
  void SetUp();
  io::Task<void> Pause(io::Duration pause);

  io::Task<void> Join();
  io::Task<void> Beat();
  std::string VotesText(io::Time now);
  bool OnBeat(const Reply& reply);
  io::Task<void> Agree(Agreements agreements, std::string text, std::vector<Votes> others);
  void Adopt(const Agreements& agreements);
  void DropAgreements();
  io::Task<void> Listen();
  bool OnStream(const Reply& stream);
  void OnWord(const Reply& fields);
  void OnNotes(const Reply& fields, std::string_view id);
  void TellWords();
  void TellWord(const Said& said);
  void TellNotes();
  io::Task<void> Leave();

  void Send(const Claim& claim, bool again, const std::function<void(const ClaimAnswer&)>& answer);
  ClaimAnswer Unasked() const;
  ClaimAnswer Later(int64_t millis);
  ClaimAnswer OnClaim(const Claim& claim, const std::optional<Reply>& reply);
  void Lose(const Claim& claim);
  void Release(balancer::ClusterId cluster, const std::string& user, uint64_t number);
  void Recount(balancer::ClusterId cluster, const std::string& user);
  io::Task<void> Reconcile();
  io::Task<void> Reclaim(std::span<const balancer::Affinity::Guest> guests);
  std::string KeyOf(balancer::ClusterId cluster, const std::string& user);
  std::string Key(std::string_view name) const {
    return settings_.prefix + ":" + std::string(name);
  }
  std::string IdsBefore() const;
  std::string LeaseText() const;
  void Count(Request result) { ++requests_[static_cast<size_t>(result)]; }
  void Count(Claimed result) { ++claims_[static_cast<size_t>(result)]; }

  io::Proactor& proactor_;
  const ReplicaSettings& settings_;
  balancer::Affinity& affinity_;
  Host& host_;
  const tls::KeyedDigest digest_;
  const std::string process_;  // who speaks, whatever its id

  // --- of the worker's thread
  Link* link_ = nullptr;  // while there is one
  bool live_ = false;     // link_ carries, and the store knows us
  std::string id_;        // a new one by each link: what got lost on the way of an old one is void
  std::vector<std::string> ids_before_;  // that claims may still be under
  uint64_t ids_ = 0;
  Breaker breaker_;
  io::Event awake_;
  io::Timer timer_;
  io::Time next_beat_{};
  io::Time next_round_{};
  std::optional<io::Time> last_beat_;
  std::optional<io::Time> alone_since_;
  io::Time next_return_{};  // that is waited for
  bool reconciles_ = false;
  bool stopped_ = false;
  io::Duration offset_{};                            // of our clock from the store's
  std::map<std::string, bool, std::less<>> agreed_;  // nodes that were agreed on: out?
  std::string last_word_;                            // ids in the streams; empty: not joined yet
  std::string last_note_ = "0-0";
  std::map<std::string, uint64_t, std::less<>> heard_;  // by speaker, its last number
  std::deque<Said> saying_;                             // and not confirmed
  uint64_t said_ = 0;

  // --- of all threads
  std::atomic<bool> up_ = false;
  std::atomic<io::Time> awaited_until_ = io::Time::max();
  std::atomic<bool> has_voice_ = false;
  std::atomic<size_t> replicas_ = 1;  // that have a voice
  std::array<std::atomic<uint64_t>, 4> requests_{};
  std::array<std::atomic<uint64_t>, 4> claims_{};
  std::mutex notes_mutex_;
  std::vector<admission::PenaltyNote> notes_;  // guarded by it
};

}  // namespace poplar::shared_state
