#pragma once

#include <absl/container/node_hash_map.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "proxy/directory/answer.h"
#include "proxy/directory/question.h"
#include "proxy/directory/source.h"
#include "proxy/io/proactor.h"
#include "proxy/io/task_scope.h"

namespace poplar::directory {

struct CacheRules {
  io::Duration found_ttl = std::chrono::seconds(60);
  io::Duration unknown_ttl = std::chrono::seconds(5);
  // After its answer, while the source can't be reached.
  io::Duration stale_ttl = std::chrono::hours(1);
  // The source judges credentials: what it says of one holds for no other.
  bool by_credential = false;
};

// What a directory has answered lately, for all workers; and one question at a time for each key,
// however many ask. Any thread; locks are short.
//
// Of credentials nothing is kept but their keyed digests, and of answers with a password nothing at
// all.
class AnswerCache {
 public:
  // Answers kept at once, of some 300 bytes each; the oldest go first.
  static constexpr size_t kEntriesMax = 100'000;
  // What counts as unavailable isn't asked again for so long where an old answer stands in.
  static constexpr io::Duration kStalePause = std::chrono::seconds(5);

  struct Counts {
    uint64_t asked = 0;   // of the source
    uint64_t fresh = 0;   // answered from here
    uint64_t stale = 0;   // likewise, since the source couldn't be reached
    uint64_t merged = 0;  // waited for somebody else's question
  };

  explicit AnswerCache(const CacheRules& rules, size_t entries_max = kEntriesMax);
  // Nobody asks any more.
  ~AnswerCache();
  AnswerCache(const AnswerCache&) = delete;
  AnswerCache& operator=(const AnswerCache&) = delete;

  // The kept answer, or the source's. `source`, of the caller's worker, is asked by a task of its
  // own in `scope`: others may wait for the answer when the caller has gone.
  io::Task<Answer> Ask(io::Proactor& proactor, io::TaskScope& scope, Source& source,
                       Question question);

  Counts counts() const;

 private:
  class Waiter;
  struct Entry;
  using Map = absl::node_hash_map<std::string, Entry>;
  using Order = std::list<Map::value_type*>;  // the oldest first
  struct Entry {
    std::shared_ptr<const Answer> answer;  // null: none yet
    io::Time fresh_until{};
    io::Time stale_until{};
    bool asking = false;
    std::vector<Waiter*> waiters;
    Order::iterator place;  // good while `answer` is there
  };
  struct Shard {
    std::mutex mutex;
    Map entries;  // guarded by mutex, as the next
    Order order;
  };
  static constexpr size_t kShards = 16;

  std::string KeyOf(const Question& question) const;
  Shard& ShardOf(const std::string& key);
  io::Task<void> AskSource(io::Proactor& proactor, Source& source, std::string key,
                           Question question);
  std::shared_ptr<const Answer> Keep(Shard& shard, Map::value_type& item, Answer answer,
                                     io::Time now);
  void Trim(Shard& shard);

  const CacheRules rules_;
  const size_t shard_entries_max_;
  std::array<Shard, kShards> shards_;
  std::atomic<uint64_t> asked_ = 0;
  std::atomic<uint64_t> fresh_ = 0;
  std::atomic<uint64_t> stale_ = 0;
  std::atomic<uint64_t> merged_ = 0;
};

}  // namespace poplar::directory
