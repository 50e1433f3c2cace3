#include "proxy/directory/ldap_entry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace poplar::directory {
namespace {

using testing::HasSubstr;
using testing::Not;
using Kind = Answer::Kind;

TEST(LdapEntry, SaysWhereTheUserIs) {
  const Answer answer = ToAnswer({{"uid=anna", {"mail/node-1"}, {"m4711"}}});
  EXPECT_EQ(answer.kind, Kind::kFound);
  EXPECT_EQ(answer.found.place, "mail/node-1");
  EXPECT_EQ(answer.found.login, "m4711");
  EXPECT_EQ(answer.found.password, nullptr);
  EXPECT_EQ(ToAnswer({{"uid=anna", {"mail"}, {}}}).found.login, "");
}

TEST(LdapEntry, NoEntryAndNoPlaceIsAnUnknownUser) {
  EXPECT_EQ(ToAnswer({}).kind, Kind::kUnknown);
  EXPECT_EQ(ToAnswer({{"uid=anna", {}, {"m4711"}}}).kind, Kind::kUnknown);
}

TEST(LdapEntry, NothingIsGuessed) {
  struct Case {
    std::vector<LdapEntry> entries;
    std::string text;
  };
  const Case cases[] = {
      {{{"uid=a", {"x"}, {}}, {"uid=b", {"x"}, {}}},
       "several entries fit the user: uid=a and uid=b"},
      {{{"uid=a", {"x", "y"}, {}}}, "the entry uid=a names several places"},
      {{{"uid=a", {"x"}, {"m", "n"}}}, "the entry uid=a names several login names"},
      {{{"uid=a", {""}, {}}}, "the entry uid=a has an empty value, or one that is no name"},
      {{{"uid=a", {"x"}, {""}}}, "the entry uid=a has an empty value, or one that is no name"},
      {{{"uid=a", {std::string("x\0y", 3)}, {}}},
       "the entry uid=a has an empty value, or one that is no name"},
  };
  for (const Case& c : cases) {
    const Answer answer = ToAnswer(c.entries);
    EXPECT_EQ(answer.kind, Kind::kUnavailable) << c.text;
    EXPECT_EQ(answer.text, c.text);
  }
}

TEST(LdapEntry, ItsNameCanBeLogged) {
  const Answer answer = ToAnswer({{"uid=a\n" + std::string(5000, 'x'), {"x", "y"}, {}}});
  EXPECT_THAT(answer.text, HasSubstr("uid=a?xxx"));
  EXPECT_LT(answer.text.size(), 300u);
}

}  // namespace
}  // namespace poplar::directory
