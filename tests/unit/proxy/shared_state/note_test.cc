#include "proxy/shared_state/note.h"

#include <gtest/gtest.h>

namespace poplar::shared_state {
namespace {

using admission::PenaltyNote;

TEST(NoteTest, ReadsWhatItWrote) {
  const std::vector<PenaltyNote> notes = {{.address = 0xc0ffee, .pair = ~uint64_t{0}},
                                          {.pair = 1, .cleared = true}};
  const std::string text = RenderNotes(notes);
  EXPECT_EQ(text, "r 0000000000c0ffee ffffffffffffffff;c 0000000000000000 0000000000000001");
  EXPECT_EQ(ParseNotes(text), notes);
}

TEST(NoteTest, LeavesOutWhatMakesNoSense) {
  EXPECT_TRUE(ParseNotes("").empty());
  EXPECT_TRUE(ParseNotes("r 1 2;;x 0000000000c0ffee 0000000000c0ffee").empty());
  EXPECT_TRUE(ParseNotes("r 0000000000000000 0000000000000001").empty());
  EXPECT_TRUE(ParseNotes("r 0000000000000001 0000000000000000").empty());
  EXPECT_TRUE(ParseNotes("r 000000000000000g 0000000000000001").empty());
}

}  // namespace
}  // namespace poplar::shared_state
