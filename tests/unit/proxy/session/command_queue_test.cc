#include "proxy/session/command_queue.h"

#include <gtest/gtest.h>

#include "proxy/pop3/reply.h"

namespace poplar::session {
namespace {

using std::chrono::nanoseconds;

PendingCommand Numbered(uint64_t number) {
  return {.verb = pop3::Verb::kNoop, .sent = io::Time(nanoseconds(number))};
}

uint64_t NumberOf(const PendingCommand& command) {
  return static_cast<uint64_t>(command.sent.time_since_epoch().count());
}

TEST(CommandQueueTest, BeginsEmpty) {
  const CommandQueue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_FALSE(queue.full());
  EXPECT_EQ(queue.size(), 0u);
}

TEST(CommandQueueTest, KeepsAllOfACommand) {
  CommandQueue queue;
  queue.Push({.verb = pop3::Verb::kTop,
              .multi_line = true,
              .retrieves = true,
              .ends = EndReason::kNodeEof,
              .own_reply = &pop3::kReplyNodeLost});
  EXPECT_EQ(queue.front().verb, pop3::Verb::kTop);
  EXPECT_TRUE(queue.front().multi_line);
  EXPECT_TRUE(queue.front().retrieves);
  EXPECT_EQ(queue.front().ends, EndReason::kNodeEof);
  EXPECT_EQ(*queue.front().own_reply, pop3::kReplyNodeLost);
}

TEST(CommandQueueTest, FillsUpToItsBound) {
  CommandQueue queue;
  for (size_t i = 0; i < pop3::kCommandsInFlightMax; ++i) {
    EXPECT_FALSE(queue.full()) << i;
    queue.Push(Numbered(i));
  }
  EXPECT_TRUE(queue.full());
  for (size_t i = 0; i < pop3::kCommandsInFlightMax; ++i) {
    EXPECT_EQ(NumberOf(queue.front()), i);
    queue.Pop();
    EXPECT_FALSE(queue.full());
  }
  EXPECT_TRUE(queue.empty());
}

// Every depth, for long enough that the front wraps around several times.
TEST(CommandQueueTest, StaysInOrderAtEveryDepth) {
  for (size_t depth = 1; depth <= pop3::kCommandsInFlightMax; ++depth) {
    CommandQueue queue;
    uint64_t pushed = 0;
    uint64_t popped = 0;
    while (popped < 4 * pop3::kCommandsInFlightMax) {
      while (queue.size() < depth) queue.Push(Numbered(pushed++));
      ASSERT_EQ(NumberOf(queue.front()), popped) << depth;
      queue.Pop();
      ++popped;
      ASSERT_EQ(queue.size(), pushed - popped);
    }
  }
}

}  // namespace
}  // namespace poplar::session
