#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "bench/generator/dialogue.h"

namespace poplar::bench {

// Finds where replies end, in whatever pieces they come. Without I/O.
class ReplyCounter {
 public:
  // Before the bytes of the next step; the ones before are all whole.
  void Expect(const std::vector<Answer>& answers);

  // All of what came. False: there was more than was asked for.
  bool Feed(std::string_view bytes);

  bool done() const { return next_ == answers_.size(); }
  // A reply was not +OK.
  bool refused() const { return refused_; }

 private:
  enum class State { kStart, kStatus, kBody };

  std::string_view FeedStatus(std::string_view bytes);
  std::string_view FeedBody(std::string_view bytes);
  void Next();

  std::vector<Answer> answers_;
  size_t next_ = 0;
  State state_ = State::kStart;
  bool ok_ = false;         // the reply under way
  bool refused_ = false;    // any so far
  size_t end_matched_ = 0;  // of ".\r\n", right behind a line end; npos: in the middle of a line
};

}  // namespace poplar::bench
