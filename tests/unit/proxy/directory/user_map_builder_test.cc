#include "proxy/directory/user_map_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace poplar::directory {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Faults(std::initializer_list<std::string_view> lines) {
  UserMapBuilder builder({});
  for (std::string_view line : lines) builder.AddLine(line);
  return builder.faults();
}

TEST(UserMapBuilder, TakesLinesCommentsAndBlanks) {
  EXPECT_THAT(Faults({"", "  ", "# users", "anna mail", "\tbob\tmail/mail-1  b4711 # comment\r",
                      "@example.org archive", "anna mail"}),
              IsEmpty());
}

TEST(UserMapBuilder, NamesEachFaultByItsLine) {
  EXPECT_THAT(
      Faults({"anna", "anna mail login more", "anna mail/", "anna /mail", "anna mail/a/b",
              "anna m\xc3\xa4il", "@ mail", "an\x01na mail"}),
      ElementsAre("line 1: no place; expected: USER PLACE [LOGIN]",
                  "line 2: more than three words; expected: USER PLACE [LOGIN]",
                  "line 3: \"mail/\" is no place; expected: a cluster's name, or cluster/node",
                  "line 4: \"/mail\" is no place; expected: a cluster's name, or cluster/node",
                  "line 5: \"mail/a/b\" is no place; expected: a cluster's name, or cluster/node",
                  "line 6: \"m\xc3\xa4il\" is no place; expected: a cluster's name, or "
                  "cluster/node",
                  "line 7: \"@\" is no user's name; expected: at most 512 bytes without control "
                  "characters",
                  "line 8: \"an?na\" is no user's name; expected: at most 512 bytes without "
                  "control characters"));
}

TEST(UserMapBuilder, BoundsNames) {
  const std::string longest(512, 'a');
  const std::string name(64, 'c');
  EXPECT_THAT(Faults({longest + " mail " + longest, "b " + name + "/" + name}), IsEmpty());
  EXPECT_EQ(Faults({longest + "a mail"}).size(), 1u);
  EXPECT_EQ(Faults({"b mail " + longest + "a"}).size(), 1u);
  EXPECT_EQ(Faults({"b " + name + "c"}).size(), 1u);
  EXPECT_EQ(Faults({"b mail/" + name + "c"}).size(), 1u);
}

TEST(UserMapBuilder, OneUserInTwoPlacesIsAFault) {
  EXPECT_THAT(Faults({"anna mail", "# comment", "ANNA archive"}),
              ElementsAre("line 3: \"anna\" has stood in line 1 already, with another place or "
                          "login"));
  EXPECT_EQ(Faults({"anna mail a", "anna mail b"}).size(), 1u);
}

TEST(UserMapBuilder, KeepsTheFirstFaultsAndCountsAll) {
  UserMapBuilder builder({});
  for (int i = 0; i < 100; ++i) builder.AddLine("one-word");
  EXPECT_EQ(builder.faults().size(), UserMapBuilder::kFaultsMax);
  EXPECT_EQ(builder.faults_in_all(), 100u);
}

}  // namespace
}  // namespace poplar::directory
