#include "proxy/autoconfig/http_response.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace poplar::autoconfig {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

constexpr int64_t kTime = 784'111'777'000'000;  // RFC 9110's own example

TEST(Serialize, WritesAllOfIt) {
  EXPECT_EQ(Serialize({.type = "text/xml", .body = "<a/>\n", .field = "A: b"}, true, kTime),
            "HTTP/1.1 200 OK\r\n"
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Connection: close\r\n"
            "Content-Type: text/xml\r\n"
            "Content-Length: 5\r\n"
            "Access-Control-Allow-Origin: *\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "Cache-Control: no-store\r\n"
            "A: b\r\n"
            "\r\n"
            "<a/>\n");
}

TEST(Serialize, LeavesTheBodyOut) {
  const std::string text = Serialize({.body = "abc"}, false, kTime);
  EXPECT_THAT(text, HasSubstr("Content-Length: 3\r\n"));
  EXPECT_THAT(text, EndsWith("\r\n\r\n"));
}

TEST(PlainResponse, SaysWhy) {
  for (const int status : {302, 400, 404, 405, 411, 413, 431}) {
    const HttpResponse response = PlainResponse(status);
    EXPECT_EQ(response.status, status);
    EXPECT_NE(response.body, "Unknown\n");
  }
}

}  // namespace
}  // namespace poplar::autoconfig
