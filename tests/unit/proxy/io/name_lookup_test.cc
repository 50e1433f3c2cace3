#include "proxy/io/name_lookup.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace poplar::io {
namespace {

TEST(LookUpName, TakesAnAddressAsItIs) {
  EXPECT_EQ(LookUpName("192.0.2.7", 110)->Text(), "192.0.2.7:110");
  EXPECT_EQ(LookUpName("2001:db8::1", 995)->Text(), "[2001:db8::1]:995");
}

TEST(LookUpName, FindsTheLocalHost) {
  const auto found = LookUpName("localhost", 1110);
  ASSERT_TRUE(found) << found.error();
  EXPECT_EQ(found->port(), 1110);
  EXPECT_TRUE(found->Host() == "127.0.0.1" || found->Host() == "::1") << found->Host();
}

TEST(LookUpName, NamesTheHostThatItCannotFind) {
  // RFC 6761: .invalid never exists, whether a resolver can be asked or not.
  const auto found = LookUpName("mail.invalid", 110);
  ASSERT_FALSE(found);
  EXPECT_TRUE(found.error().starts_with("cannot look up the host name mail.invalid: "))
      << found.error();
}

TEST(LookUpNamesTest, GivesEachAddressOnce) {
  const auto literal = LookUpNames("192.0.2.1", 80);
  ASSERT_TRUE(literal);
  EXPECT_EQ(*literal, std::vector{*Address::Parse("192.0.2.1", 80)});
  const auto local = LookUpNames("localhost", 80);
  ASSERT_TRUE(local) << local.error();
  std::set<std::string> texts;
  for (const Address& address : *local) texts.insert(address.Text());
  EXPECT_EQ(texts.size(), local->size());
  EXPECT_FALSE(LookUpNames("mail.invalid", 80));
}

}  // namespace
}  // namespace poplar::io
