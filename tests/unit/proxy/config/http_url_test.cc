#include "proxy/config/http_url.h"

#include <gtest/gtest.h>

namespace poplar::config {
namespace {

TEST(ParseHttpUrl, TakesUrlsApart) {
  struct Case {
    std::string_view text;
    bool tls;
    std::string host;
    uint16_t port;
    std::string authority, target;
  };
  const Case cases[] = {
      {"http://auth", false, "auth", 80, "auth", "/"},
      {"https://auth.internal/", true, "auth.internal", 443, "auth.internal", "/"},
      {"http://127.0.0.1:8080/auth?a=b/c", false, "127.0.0.1", 8080, "127.0.0.1:8080",
       "/auth?a=b/c"},
      {"https://[2001:db8::1]:8443/x", true, "2001:db8::1", 8443, "[2001:db8::1]:8443", "/x"},
      {"http://[::1]", false, "::1", 80, "[::1]", "/"},
      {"http://auth?x", false, "auth", 80, "auth", "/?x"},
  };
  for (const Case& c : cases) {
    const auto url = ParseHttpUrl(c.text);
    ASSERT_TRUE(url) << c.text << " " << url.error();
    EXPECT_EQ(url->tls, c.tls);
    EXPECT_EQ(url->host, c.host);
    EXPECT_EQ(url->port, c.port);
    EXPECT_EQ(url->authority, c.authority);
    EXPECT_EQ(url->target, c.target);
  }
}

TEST(ParseHttpUrl, RefusesWhatCannotBeAsked) {
  for (std::string_view text : {"",
                                "auth.internal",
                                "ftp://auth",
                                "http://",
                                "http:///x",
                                "http://:80",
                                "http://a:0",
                                "http://a:65536",
                                "http://a:8x",
                                "http://a:",
                                "http://[::1",
                                "http://[]",
                                "http://[::1]x",
                                "http://user@auth/",
                                "http://user:secret@auth/",
                                "http://a b/",
                                "http://a/b c",
                                "http://a/#x",
                                "http://a\r\nHost: b/",
                                "http://a/\x80",
                                "HTTP://a"}) {
    const auto url = ParseHttpUrl(text);
    EXPECT_FALSE(url) << text;
    if (!url) EXPECT_NE(url.error(), "");
  }
}

}  // namespace
}  // namespace poplar::config
