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
// Status lines don't count: servers may word them as they like. The client has one wholly or not at
// all. Memory: some 200 bytes, from the first answer on.
class ReplyProgress {
 public:
  ReplyProgress();
  ~ReplyProgress();

  // An answer begins; nothing of it has gone out.
  void Begin();
  // The next bytes of it have gone to the client. The first piece has its status line whole.
  void Sent(std::string_view piece);
  // Whether the client has anything of it.
  bool started() const;

  // The same question was asked again, and its answer comes from its first byte on. May be said
  // again, when that one is cut off too.
  void BeginRepeat();
  // The next piece of it, split anywhere. Returns the bytes that the client hasn't got yet (they
  // are in Sent() already); nothing when it isn't the same answer: the client must get no more of
  // it.
  std::optional<std::string_view> Repeat(std::string_view piece);
  // Whether the repeated answer has got to where the client is. One that ends before is another.
  bool caught_up() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace poplar::pop3
