#include "proxy/pop3/secret.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

#include "tests/unit/proxy/pop3/freed_memory_watch.h"

namespace poplar::pop3 {
namespace {

// Longer than any small-string buffer, so that the control below is on the heap.
constexpr std::string_view kPassword = "correct horse battery staple and then some";

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };
static_assert(!Printable<Secret>);
static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
static_assert(std::is_nothrow_move_constructible_v<Secret>);
static_assert(!std::is_convertible_v<std::string_view, Secret>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);

// Optimisers may drop an allocation whose bytes nobody can have seen.
void LetBeSeen(const std::string& text) { asm volatile("" : : "r"(text.data()) : "memory"); }

TEST(FreedMemoryWatchTest, SeesAStringThatWasNotWiped) {
  POPLAR_NEEDS_FREED_MEMORY_WATCH();
  FreedMemoryWatch watch(kPassword);
  {
    const std::string forgotten(kPassword);
    LetBeSeen(forgotten);
  }
  EXPECT_EQ(watch.unwiped_blocks(), 1u);
}

TEST(SecretTest, HoldsItsBytes) {
  const Secret secret{std::string_view("a\0b", 3)};
  EXPECT_EQ(secret.Expose(), std::string_view("a\0b", 3));
  EXPECT_FALSE(secret.empty());
  EXPECT_TRUE(Secret().empty());
  EXPECT_TRUE(Secret("").empty());
}

TEST(SecretTest, JoinsPieces) {
  EXPECT_EQ(Secret::Join({"PASS ", "", "x", "\r\n"}).Expose(), "PASS x\r\n");
  EXPECT_EQ(Secret::Join({}).Expose(), "");
}

TEST(SecretTest, DestructionWipes) {
  POPLAR_NEEDS_FREED_MEMORY_WATCH();
  FreedMemoryWatch watch(kPassword);
  {
    const Secret secret(kPassword);
  }
  EXPECT_EQ(watch.blocks_freed(), 1u);
  EXPECT_EQ(watch.unwiped_blocks(), 0u);
}

TEST(SecretTest, JoinLeavesNoCopy) {
  POPLAR_NEEDS_FREED_MEMORY_WATCH();
  FreedMemoryWatch watch(kPassword);
  {
    const Secret joined = Secret::Join({"PASS ", kPassword, "\r\n"});
  }
  EXPECT_EQ(watch.blocks_freed(), 1u);
  EXPECT_EQ(watch.unwiped_blocks(), 0u);
}

TEST(SecretTest, ClearWipesAndEmpties) {
  POPLAR_NEEDS_FREED_MEMORY_WATCH();
  FreedMemoryWatch watch(kPassword);
  Secret secret(kPassword);
  secret.Clear();
  EXPECT_TRUE(secret.empty());
  EXPECT_EQ(watch.blocks_freed(), 1u);
  secret.Clear();
  EXPECT_EQ(watch.unwiped_blocks(), 0u);
}

TEST(SecretTest, MovedFromIsEmpty) {
  Secret from(kPassword);
  const Secret to(std::move(from));
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): its state after a move is promised
  EXPECT_EQ(to.Expose(), kPassword);
}

TEST(SecretTest, AssignmentWipesWhatWasThere) {
  POPLAR_NEEDS_FREED_MEMORY_WATCH();
  FreedMemoryWatch watch(kPassword);
  Secret secret(kPassword);
  Secret other("other");
  secret = std::move(other);
  EXPECT_EQ(secret.Expose(), "other");
  EXPECT_TRUE(
      other.empty());  // NOLINT(bugprone-use-after-move): its state after a move is promised
  EXPECT_EQ(watch.blocks_freed(), 1u);
  EXPECT_EQ(watch.unwiped_blocks(), 0u);
}

TEST(SecretTest, SelfMoveKeepsTheBytes) {
  Secret secret(kPassword);
  Secret& same = secret;
  secret = std::move(same);
  EXPECT_EQ(secret.Expose(), kPassword);
}

TEST(WipeTest, ZeroesExactlyWhatItIsGiven) {
  char buffer[] = "abcdef";
  Wipe(buffer + 1, 3);
  EXPECT_EQ(std::string_view(buffer, 6), std::string_view("a\0\0\0ef", 6));
  Wipe(nullptr, 0);
}

}  // namespace
}  // namespace poplar::pop3
