#include "proxy/directory/ldap_filter.h"

#include <gtest/gtest.h>

namespace poplar::directory {
namespace {

TEST(LdapFilter, PutsTheUserIn) {
  EXPECT_EQ(RenderLdapFilter("(mail=%u)", "anna@example.org"), "(mail=anna@example.org)");
  EXPECT_EQ(RenderLdapFilter("(&(uid=%n)(dc=%d))", "a@b@example.org"),
            "(&(uid=a@b)(dc=example.org))");
  EXPECT_EQ(RenderLdapFilter("(&(uid=%n)(dc=%d)(x=%u))", "anna"), "(&(uid=anna)(dc=)(x=anna))");
  EXPECT_EQ(RenderLdapFilter("(&(uid=%n)(dc=%d))", "@example.org"), "(&(uid=)(dc=example.org))");
  EXPECT_EQ(RenderLdapFilter("(&(uid=%n)(dc=%d))", "anna@"), "(&(uid=anna)(dc=))");
  EXPECT_EQ(RenderLdapFilter("(x=100%%%u%%)", "%u"), "(x=100%%u%)");
}

TEST(LdapFilter, EscapesWhateverMeansSomething) {
  EXPECT_EQ(RenderLdapFilter("(uid=%u)", "*"), "(uid=\\2a)");
  EXPECT_EQ(RenderLdapFilter("(uid=%u)", "a)(uid=*"), "(uid=a\\29\\28uid=\\2a)");
  EXPECT_EQ(RenderLdapFilter("(uid=%u)", "\\2a"), "(uid=\\5c2a)");
  EXPECT_EQ(EscapeForLdapFilter(std::string_view("\0\n\x7f\xc3\xa9", 5)), "\\00\\0a\\7f\\c3\\a9");
  EXPECT_EQ(EscapeForLdapFilter(" a&b|c!d=e<f>g~h:i,j "), " a&b|c!d=e<f>g~h:i,j ");
}

}  // namespace
}  // namespace poplar::directory
