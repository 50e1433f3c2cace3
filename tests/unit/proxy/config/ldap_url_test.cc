#include "proxy/config/ldap_url.h"

#include <gtest/gtest.h>

namespace poplar::config {
namespace {

using Scheme = LdapUrl::Scheme;

TEST(ParseLdapUrl, TakesUrlsApart) {
  struct Case {
    std::string_view text;
    Scheme scheme;
    std::string host;
    uint16_t port;
  };
  const Case cases[] = {
      {"ldap://ldap-1.example.org", Scheme::kLdap, "ldap-1.example.org", 0},
      {"ldaps://127.0.0.1:1636/", Scheme::kLdaps, "127.0.0.1", 1636},
      {"ldap://[2001:db8::1]:389", Scheme::kLdap, "2001:db8::1", 389},
      {"ldaps://[::1]", Scheme::kLdaps, "::1", 0},
      {"ldapi://%2frun%2Fslapd%2fldapi", Scheme::kLdapi, "/run/slapd/ldapi", 0},
  };
  for (const Case& c : cases) {
    const auto url = ParseLdapUrl(c.text);
    ASSERT_TRUE(url) << c.text << " " << url.error();
    EXPECT_EQ(url->scheme, c.scheme) << c.text;
    EXPECT_EQ(url->host, c.host) << c.text;
    EXPECT_EQ(url->port, c.port) << c.text;
  }
}

TEST(ParseLdapUrl, RefusesWhatCannotBeAsked) {
  for (const std::string_view text : {"",
                                      "ldap-1.example.org",
                                      "http://ldap",
                                      "ldap://",
                                      "ldap://:389",
                                      "ldap://a:0",
                                      "ldap://a:x",
                                      "ldap://a:",
                                      "ldap://::1",
                                      "ldap://[::1",
                                      "ldap://a b",
                                      "ldap://anna@ldap",
                                      "ldap://ldap/dc=example",
                                      "ldap://ldap?x",
                                      "ldap://a ldap://b",
                                      "ldapi://",
                                      "ldapi://ldapi",
                                      "ldapi://%2",
                                      "ldapi://%2frun%00",
                                      "ldapi:///run/slapd",
                                      "ldap://a#b"})
    EXPECT_FALSE(ParseLdapUrl(text)) << text;
}

}  // namespace
}  // namespace poplar::config
