#include "proxy/directory/answer_cache.h"

#include <absl/hash/hash.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "proxy/io/sync.h"

namespace poplar::directory {

// Somebody who waits, in its coroutine's frame.
class AnswerCache::Waiter {
 public:
  explicit Waiter(io::Proactor& proactor) : proactor_(proactor), answered_(proactor.ready()) {}

  // By any thread, once; the frame may be gone as soon as the post has run.
  void Give(std::shared_ptr<const Answer> answer) {
    proactor_.PostFromAnyThread([this, answer = std::move(answer)] {
      answer_ = answer;
      answered_.Signal();
    });
  }
  io::Task<Answer> Wait() {
    co_await answered_.Wait();
    co_return *answer_;
  }

 private:
  io::Proactor& proactor_;
  io::Event answered_;
  std::shared_ptr<const Answer> answer_;
};

AnswerCache::AnswerCache(const CacheRules& rules, size_t entries_max)
    : rules_(rules), shard_entries_max_(std::max<size_t>(1, entries_max / kShards)) {}

AnswerCache::~AnswerCache() = default;

std::string AnswerCache::KeyOf(const Question& question) const {
  std::string key = question.user;
  if (!rules_.by_credential) return key;
  // Names are free of NUL.
  key.append(1, '\0').append(question.login).append(1, '\0').append(question.mechanism);
  const auto* digest = question.digest.bytes.data();
  key.append(1, '\0').append(reinterpret_cast<const char*>(digest), question.digest.bytes.size());
  return key;
}

AnswerCache::Shard& AnswerCache::ShardOf(const std::string& key) {
  return shards_[absl::Hash<std::string>()(key) % kShards];
}

io::Task<Answer> AnswerCache::Ask(io::Proactor& proactor, io::TaskScope& scope, Source& source,
                                  Question question) {
  std::string key = KeyOf(question);
  Shard& shard = ShardOf(key);
  Waiter waiter(proactor);
  bool first = false;
  std::shared_ptr<const Answer> kept;
  {
    const std::lock_guard lock(shard.mutex);
    Entry& entry = shard.entries[key];
    if (entry.answer != nullptr && proactor.Now() < entry.fresh_until) {
      kept = entry.answer;
    } else {
      first = !std::exchange(entry.asking, true);
      entry.waiters.push_back(&waiter);
    }
  }
  if (kept != nullptr) {
    fresh_.fetch_add(1, std::memory_order_relaxed);
    co_return *kept;
  }
  (first ? asked_ : merged_).fetch_add(1, std::memory_order_relaxed);
  if (first) scope.Spawn(AskSource(proactor, source, std::move(key), std::move(question)));
  co_return co_await waiter.Wait();
}

io::Task<void> AnswerCache::AskSource(io::Proactor& proactor, Source& source, std::string key,
                                      Question question) {
  Answer answer = co_await source.Ask(question);
  Shard& shard = ShardOf(key);
  std::vector<Waiter*> waiters;
  std::shared_ptr<const Answer> given;
  {
    const std::lock_guard lock(shard.mutex);
    const auto item = shard.entries.find(key);
    assert(item != shard.entries.end());  // it stays while it is asked for
    item->second.asking = false;
    waiters.swap(item->second.waiters);
    given = Keep(shard, *item, std::move(answer), proactor.Now());
    Trim(shard);
  }
  for (Waiter* waiter : waiters) waiter->Give(given);
}

// What whoever asked gets. With the shard's lock.
std::shared_ptr<const Answer> AnswerCache::Keep(Shard& shard, Map::value_type& item, Answer answer,
                                                io::Time now) {
  Entry& entry = item.second;
  const Answer::Kind kind = answer.kind;
  if (kind == Answer::Kind::kUnavailable) {
    if (entry.answer == nullptr || now >= entry.stale_until) {
      if (entry.answer != nullptr) shard.order.erase(entry.place);
      shard.entries.erase(item.first);
      return std::make_shared<const Answer>(std::move(answer));
    }
    stale_.fetch_add(1, std::memory_order_relaxed);
    entry.fresh_until = std::min(now + kStalePause, entry.stale_until);
    return entry.answer;
  }
  if (entry.answer != nullptr) shard.order.erase(entry.place);
  const bool found = kind == Answer::Kind::kFound;
  const io::Duration ttl = found ? rules_.found_ttl : rules_.unknown_ttl;
  // A refusal is of one credential; whom it is not kept by, it can't be told from others.
  const bool keeps = found ? answer.found.password == nullptr
                           : kind == Answer::Kind::kUnknown ||
                                 (kind == Answer::Kind::kRefused && rules_.by_credential);
  auto shared = std::make_shared<const Answer>(std::move(answer));
  if (!keeps || (ttl == io::Duration::zero() && !found)) {
    shard.entries.erase(item.first);
    return shared;
  }
  entry.answer = shared;
  entry.fresh_until = now + ttl;
  entry.stale_until = found ? now + std::max(ttl, rules_.stale_ttl) : entry.fresh_until;
  entry.place = shard.order.insert(shard.order.end(), &item);
  return shared;
}

// With the shard's lock. What is asked for stays.
void AnswerCache::Trim(Shard& shard) {
  for (auto oldest = shard.order.begin();
       shard.order.size() > shard_entries_max_ && oldest != shard.order.end();) {
    Map::value_type* const item = *oldest;
    if (item->second.asking) {
      ++oldest;
      continue;
    }
    oldest = shard.order.erase(oldest);
    shard.entries.erase(item->first);
  }
}

AnswerCache::Counts AnswerCache::counts() const {
  return {asked_.load(std::memory_order_relaxed), fresh_.load(std::memory_order_relaxed),
          stale_.load(std::memory_order_relaxed), merged_.load(std::memory_order_relaxed)};
}

}  // namespace poplar::directory
