#include "bench/generator/reply_counter.h"

#include <cstring>

namespace poplar::bench {
namespace {

constexpr std::string_view kEnd = ".\r\n";

}  // namespace

void ReplyCounter::Expect(const std::vector<Answer>& answers) {
  answers_ = answers;
  next_ = 0;
  state_ = State::kStart;
}

bool ReplyCounter::Feed(std::string_view bytes) {
  while (!bytes.empty()) {
    if (done()) return false;
    bytes = state_ == State::kBody ? FeedBody(bytes) : FeedStatus(bytes);
  }
  return true;
}

std::string_view ReplyCounter::FeedStatus(std::string_view bytes) {
  if (state_ == State::kStart) {
    ok_ = bytes.front() == '+';
    refused_ = refused_ || !ok_;
    state_ = State::kStatus;
  }
  const size_t end = bytes.find('\n');
  if (end == std::string_view::npos) return {};
  if (ok_ && answers_[next_] == Answer::kLines) {
    state_ = State::kBody;
    end_matched_ = 0;
  } else {
    Next();
  }
  return bytes.substr(end + 1);
}

// memchr from line to line: the load must be cheaper than what it loads.
std::string_view ReplyCounter::FeedBody(std::string_view bytes) {
  while (!bytes.empty()) {
    if (end_matched_ != std::string_view::npos) {
      if (bytes.front() != kEnd[end_matched_]) {
        end_matched_ = std::string_view::npos;
        continue;
      }
      bytes.remove_prefix(1);
      if (++end_matched_ < kEnd.size()) continue;
      Next();
      return bytes;
    }
    const size_t newline = bytes.find('\n');
    if (newline == std::string_view::npos) return {};
    bytes.remove_prefix(newline + 1);
    end_matched_ = 0;
  }
  return bytes;
}

void ReplyCounter::Next() {
  ++next_;
  state_ = State::kStart;
}

}  // namespace poplar::bench
