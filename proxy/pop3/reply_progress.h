#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace poplar::pop3 {

// How much of the multi-line answer under way the client has, and a running hash of it: so that an
// answer cut off by a node's death can be had once more and continued where it was cut, if it is
// the same.
//
// Status lines don't count but for being +OK or -ERR: servers may word them as they like. The
// client has one wholly or not at all. Memory: 40 bytes, and 600 more from an answer's first byte
// behind the status line until End(); as much again while catching up.
class ReplyProgress {
 public:
  ReplyProgress();
  ~ReplyProgress();

  // An answer begins; nothing of it has gone out.
  void Begin();
  // The answer is over, or there is none to come: as Begin(), and gives the memory back. May be
  // left out between answers; Begin() uses the same memory again.
  void End();
  // The next bytes of it have gone to the client. An answer that is cut off before its status line
  // is whole can't be continued.
  void Sent(std::string_view piece);
  // Whether the client has anything of it.
  bool started() const { return sent_status_ != '\0'; }

  // The same question was asked again, and its answer comes from its first byte on. May be said
  // again, when that one is cut off too.
  void BeginRepeat();
  // The next piece of it, split anywhere. Returns the bytes that the client hasn't got yet (they
  // are in Sent() already); nothing when it isn't the same answer: the client must get no more of
  // it.
  std::optional<std::string_view> Repeat(std::string_view piece);
  // Whether the repeated answer has got to where the client is; true also when none is repeated.
  // One that ends before is another.
  bool caught_up() const { return repeat_ == Repeating::kCaughtUp; }

 private:
  class BodyHash;
  enum class Repeating : uint8_t { kCaughtUp, kStatus, kBody, kRefused };

  std::optional<std::string_view> Refuse();
  std::optional<std::string_view> RepeatBody(std::string_view body);

  std::unique_ptr<BodyHash> sent_hash_;    // of the body bytes that the client has; none: of none
  std::unique_ptr<BodyHash> repeat_hash_;  // of those that came again
  uint64_t sent_bytes_ = 0;                // of the body, which is all behind the status line's LF
  uint64_t missing_bytes_ = 0;             // that the repeated body is behind
  char sent_status_ = '\0';                // the answer's first byte
  bool status_sent_ = false;               // wholly
  bool repeat_started_ = false;
  Repeating repeat_ = Repeating::kCaughtUp;
};

}  // namespace poplar::pop3
