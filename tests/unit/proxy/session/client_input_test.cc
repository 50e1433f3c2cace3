#include "proxy/session/client_input.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

namespace poplar::session {
namespace {

using Event = pop3::LineReader::Event;

class ClientInputTest : public testing::Test {
 protected:
  void Feed(std::string_view bytes) {
    io::Buffer buffer = pool_.TryTake(io::BufferUse::kReceive);
    ASSERT_EQ(buffer.Append(bytes), bytes.size());
    input_.Feed(std::move(buffer));
  }
  std::string NextLine() {
    std::string_view line;
    return input_.lines.Next(&line) == Event::kLine ? std::string(line) : "(none)";
  }

  io::RunList ready_;
  io::BufferPool pool_{8 * io::kBufferBytes, ready_};
  ClientInput input_;
};

TEST_F(ClientInputTest, StowingGivesTheBufferBackAndKeepsTheRest) {
  Feed("PASS secret\r\nSTAT\r\nUI");
  EXPECT_EQ(NextLine(), "PASS secret");
  EXPECT_EQ(pool_.in_use(), 1u);
  input_.Stow();
  EXPECT_EQ(pool_.in_use(), 0u);
  EXPECT_EQ(*input_.stowed, "STAT\r\nUI");
  input_.Stow();  // a second time changes nothing
  EXPECT_EQ(NextLine(), "STAT");
  EXPECT_EQ(NextLine(), "(none)");
  Feed("DL\r\nQUIT\r\n");
  EXPECT_EQ(NextLine(), "UIDL");
  input_.Stow();
  EXPECT_EQ(NextLine(), "QUIT");
}

TEST_F(ClientInputTest, StowingWithinALineKeepsItsBeginning) {
  Feed("NO");
  EXPECT_EQ(NextLine(), "(none)");
  input_.Stow();
  EXPECT_EQ(pool_.in_use(), 0u);
  EXPECT_EQ(input_.stowed, nullptr);
  Feed("OP\r\n");
  EXPECT_EQ(NextLine(), "NOOP");
}

// What a later user of the buffer finds in it.
TEST_F(ClientInputTest, LeavesNothingBehindInTheBuffer) {
  const auto left_behind = [this] {
    io::Buffer buffer = pool_.TryTake(io::BufferUse::kReceive);
    return std::string(buffer.room().data(), 16);
  };
  const std::string nothing(16, '\0');
  Feed("PASS secret\r\nST");
  EXPECT_EQ(NextLine(), "PASS secret");
  input_.Stow();
  EXPECT_EQ(left_behind(), nothing);
  EXPECT_EQ(NextLine(), "(none)");
  Feed("PASS secret\r\n");
  input_.lines.Discard();
  input_.Release();
  EXPECT_EQ(left_behind(), nothing);
  {
    ClientInput other;
    io::Buffer buffer = pool_.TryTake(io::BufferUse::kReceive);
    buffer.Append("PASS secret\r\n");
    other.Feed(std::move(buffer));
  }
  EXPECT_EQ(left_behind(), nothing);
}

TEST_F(ClientInputTest, ReleaseForgetsWhatWasStowed) {
  Feed("STAT\r\nQUIT\r\n");
  EXPECT_EQ(NextLine(), "STAT");
  input_.Stow();
  EXPECT_EQ(NextLine(), "QUIT");
  input_.Release();
  EXPECT_EQ(input_.stowed, nullptr);
  EXPECT_EQ(NextLine(), "(none)");
}

}  // namespace
}  // namespace poplar::session
