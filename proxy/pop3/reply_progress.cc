#include "proxy/pop3/reply_progress.h"

#include <xxhash.h>

#include <algorithm>
#include <cassert>
#include <memory>
#include <utility>
#include <vector>

#ifdef POPLAR_XXH3_DISPATCH
#define XXH_DISPATCH_DISABLE_REPLACE
#include <xxh_x86dispatch.h>
#endif

namespace poplar::pop3 {

// XXH3, by the library's own functions: they may choose AVX2 while running. Of all that a relay
// does for a byte this is what resumption costs, so it matters; XXH64 has a state of 88 bytes
// instead of 576, but takes four to six times as long.
class ReplyProgress::BodyHash {
 public:
  BodyHash() : state_(XXH3_createState()) {
    assert(state_ != nullptr);
    Reset();
  }
  ~BodyHash() { XXH3_freeState(state_); }
  BodyHash(const BodyHash&) = delete;
  BodyHash& operator=(const BodyHash&) = delete;

  void Reset() { XXH3_64bits_reset(state_); }
  void Add(std::string_view bytes) {
#ifdef POPLAR_XXH3_DISPATCH
    XXH3_64bits_update_dispatch(state_, bytes.data(), bytes.size());
#else
    XXH3_64bits_update(state_, bytes.data(), bytes.size());
#endif
  }
  uint64_t Digest() const { return XXH3_64bits_digest(state_); }

  // Each answer takes one and gives it back to its thread: so an idle session has none, and a busy
  // one allocates none.
  static std::unique_ptr<BodyHash> Take() {
    std::vector<std::unique_ptr<BodyHash>>& spares = SparesOfThisThread();
    if (spares.empty()) return std::make_unique<BodyHash>();
    std::unique_ptr<BodyHash> hash = std::move(spares.back());
    spares.pop_back();
    hash->Reset();
    return hash;
  }
  static void Return(std::unique_ptr<BodyHash> hash) {
    std::vector<std::unique_ptr<BodyHash>>& spares = SparesOfThisThread();
    if (hash != nullptr && spares.size() < kSparesMax) spares.push_back(std::move(hash));
  }

 private:
  // 600 bytes each; more answers are seldom under way at once.
  static constexpr size_t kSparesMax = 64;

  static std::vector<std::unique_ptr<BodyHash>>& SparesOfThisThread() {
    thread_local std::vector<std::unique_ptr<BodyHash>> spares;
    return spares;
  }

  XXH3_state_t* state_;
};

ReplyProgress::ReplyProgress() = default;
ReplyProgress::~ReplyProgress() = default;

void ReplyProgress::Begin() {
  if (sent_hash_) sent_hash_->Reset();
  BodyHash::Return(std::move(repeat_hash_));
  sent_bytes_ = 0;
  sent_status_ = '\0';
  status_sent_ = false;
  repeat_ = Repeating::kCaughtUp;
}

void ReplyProgress::End() {
  BodyHash::Return(std::move(sent_hash_));
  Begin();
}

void ReplyProgress::Sent(std::string_view piece) {
  if (piece.empty()) return;
  if (!started()) sent_status_ = piece.front();
  if (!status_sent_) {
    const size_t newline = piece.find('\n');
    if (newline == std::string_view::npos) return;
    status_sent_ = true;
    piece.remove_prefix(newline + 1);
    if (piece.empty()) return;
  }
  if (!sent_hash_) sent_hash_ = BodyHash::Take();
  sent_hash_->Add(piece);
  sent_bytes_ += piece.size();
}

void ReplyProgress::BeginRepeat() {
  repeat_hash_.reset();
  repeat_started_ = false;
  missing_bytes_ = sent_bytes_;
  if (!started()) {
    repeat_ = Repeating::kCaughtUp;
  } else {
    repeat_ = status_sent_ ? Repeating::kStatus : Repeating::kRefused;
  }
}

std::optional<std::string_view> ReplyProgress::Repeat(std::string_view piece) {
  if (repeat_ == Repeating::kRefused) return std::nullopt;
  if (repeat_ == Repeating::kStatus && !piece.empty()) {
    const bool first = !std::exchange(repeat_started_, true);
    if (first && piece.front() != sent_status_) return Refuse();
    const size_t newline = piece.find('\n');
    if (newline == std::string_view::npos) return piece.substr(piece.size());
    piece.remove_prefix(newline + 1);
    repeat_ = sent_bytes_ == 0 ? Repeating::kCaughtUp : Repeating::kBody;
  }
  if (repeat_ == Repeating::kBody) return RepeatBody(piece);
  Sent(piece);
  return piece;
}

std::optional<std::string_view> ReplyProgress::RepeatBody(std::string_view body) {
  const std::string_view again = body.substr(0, std::min<uint64_t>(body.size(), missing_bytes_));
  if (!repeat_hash_) repeat_hash_ = BodyHash::Take();
  repeat_hash_->Add(again);
  missing_bytes_ -= again.size();
  body.remove_prefix(again.size());
  if (missing_bytes_ > 0) return body;

  if (repeat_hash_->Digest() != sent_hash_->Digest()) return Refuse();
  repeat_hash_.reset();
  repeat_ = Repeating::kCaughtUp;
  Sent(body);
  return body;
}

std::optional<std::string_view> ReplyProgress::Refuse() {
  repeat_hash_.reset();
  repeat_ = Repeating::kRefused;
  return std::nullopt;
}

}  // namespace poplar::pop3
