#include "proxy/config/ldap_filter_check.h"

#include <gtest/gtest.h>

namespace poplar::config {
namespace {

std::string Nested(int depth) {
  std::string filter = "(uid=%u)";
  for (int i = 1; i < depth; ++i) filter = "(!" + filter + ")";
  return filter;
}

TEST(LdapFilterCheck, TakesFilters) {
  for (const std::string_view text :
       {"(mail=%u)", "(&(objectClass=mailUser)(|(mail=%u)(mailAlias=%u)))", "(!(uid=%n))",
        "(&(uid=%n)(associatedDomain=%d))", "(proxyAddresses=smtp:%u)", "(cn=*:%n)",
        "(cn=*a*%%*b*:%u)", "(cn;lang-de~=%u)", "(memberOf:1.2.840.113556.1.4.1941:=cn=%n)",
        "(:dn:2.4.6.8.10:=%u)", "(ou:dn:=%d)", "(x=\\28%u\\29)", "(x=100%%%u)", "(1.2.3=%u)",
        "(n>=%u)", "(n<=%u)"})
    EXPECT_EQ(WhyBadLdapFilter(text), "") << text;
  EXPECT_EQ(WhyBadLdapFilter(Nested(kLdapFilterDepthMax)), "");
}

TEST(LdapFilterCheck, SaysWhatIsWrong) {
  struct Case {
    std::string text, why;
  };
  const Case cases[] = {
      {"", "does not begin with a ("},
      {"mail=%u", "does not begin with a ("},
      {"(mail=%u", "lacks a )"},
      {"(&(a=%u)(b=c)", "lacks a )"},
      {"(mail=%u))", "goes on behind its last )"},
      {"(a=%u)(b=c)", "goes on behind its last )"},
      {"(&)", "lacks a ("},
      {"(mail=a)", "names no user: %u, %n or %d"},
      {"(mail)", "has a condition without ="},
      {"(=%u)", "has no attribute ahead of a ="},
      {"(ma il=%u)", "has no attribute ahead of a ="},
      {"(%u=a)", "has no attribute ahead of a ="},
      {"(:=%u)", "has no attribute ahead of a ="},
      {"(a:dn:b:c:=%u)", "has no attribute ahead of a ="},
      {"(mail=%x)", "has a % that is none of %u, %n, %d and %%"},
      {"(mail=%)", "has a % that is none of %u, %n, %d and %%"},
      {"(mail=\\zz%u)", "has a \\ without two hexadecimal digits"},
      {"(mail=%u\\2)", "has a \\ without two hexadecimal digits"},
      {"(n>=*%u)", "has a * where none may be: \\2a there"},
      {"(a=%u)(cn=%n*)", "goes on behind its last )"},
      {"(cn=%n*)", "has a * right beside the user"},
      {"(cn=*%u)", "has a * right beside the user"},
      {"(cn=x**y%u)", "has two * in a row"},
      {"(a=%u(b=c))", "has a ( in a value: \\28 there, or a ) is missing ahead of it"},
      {Nested(kLdapFilterDepthMax + 1), "is too deep"},
  };
  for (const Case& c : cases) EXPECT_EQ(WhyBadLdapFilter(c.text), c.why) << c.text;
}

TEST(LdapFilterCheck, KnowsAttributes) {
  for (const std::string_view text : {"mailHost", "cn;lang-de", "1.3.6.1", "x-mail"})
    EXPECT_TRUE(IsLdapAttribute(text)) << text;
  for (const std::string_view text : {"", "mail host", "a;", "a;;b", ";a", "-a", "2n", "1.", "1..2",
                                      ".1", "a.b", "*", "a=b", "%u"})
    EXPECT_FALSE(IsLdapAttribute(text)) << text;
}

}  // namespace
}  // namespace poplar::config
