#include "proxy/autoconfig/http_request.h"

#include <gtest/gtest.h>

namespace poplar::autoconfig {
namespace {

using Progress = HttpRequestReader::Progress;

// The end of a request that comes in pieces of so many bytes.
std::string Read(std::string_view bytes, size_t piece) {
  HttpRequestReader reader;
  Progress progress = Progress::kNeedMore;
  for (size_t at = 0; at < bytes.size() && progress == Progress::kNeedMore; at += piece)
    progress = reader.Feed(bytes.substr(at, piece));
  if (progress == Progress::kNeedMore) return "more";
  if (progress == Progress::kBroken) return std::to_string(reader.refusal());
  const HttpRequest& request = reader.request();
  constexpr const char* kMethods[] = {"GET", "HEAD", "POST", "other"};
  return std::string(kMethods[static_cast<size_t>(request.method)]) + " " + request.path + " " +
         request.query + " " + request.body;
}

std::string Read(std::string_view bytes) {
  std::string whole = Read(bytes, bytes.size() + 1);
  EXPECT_EQ(Read(bytes, 1), whole);
  EXPECT_EQ(Read(bytes, 3), whole);
  return whole;
}

TEST(HttpRequestReader, ReadsRequests) {
  EXPECT_EQ(Read("GET /a/b?c=d&e HTTP/1.1\r\nHost: x\r\n\r\n"), "GET /a/b c=d&e ");
  EXPECT_EQ(Read("HEAD / HTTP/1.0\r\n\r\n"), "HEAD /  ");
  EXPECT_EQ(Read("DELETE /? HTTP/1.1\r\n\r\n"), "other /  ");
  EXPECT_EQ(Read("POST /p HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc"), "POST /p  abc");
  EXPECT_EQ(Read("POST /p HTTP/1.1\r\nContent-Length: 3\r\n\r\nab"), "more");
  EXPECT_EQ(Read("POST /p HTTP/1.1\r\n\r\n"), "POST /p  ");
  EXPECT_EQ(Read("GET http://autoconfig.b/c?d HTTP/1.1\r\n\r\n"), "GET /c d ");
  EXPECT_EQ(Read("GET HTTP://autoconfig.b HTTP/1.1\r\n\r\n"), "GET /  ");
}

TEST(HttpRequestReader, PassesOverWhatIsBehind) {
  const std::string_view two = "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n";
  EXPECT_EQ(Read(two, two.size()), "GET /a  ");
}

TEST(HttpRequestReader, SaysWhatIsWrong) {
  EXPECT_EQ(Read("\x16\x03\x01"), "400");
  EXPECT_EQ(Read("\r\n\r\n"), "400");
  EXPECT_EQ(Read("GET\r\n\r\n"), "400");
  EXPECT_EQ(Read("GET / HTTP/2.0\r\n\r\n"), "400");
  EXPECT_EQ(Read("GET /\x01 HTTP/1.1\r\n\r\n"), "400");
  EXPECT_EQ(Read("GET / HTTP/1.1\r\nA B: c\r\n\r\n"), "400");
  EXPECT_EQ(Read("POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"), "400");
  EXPECT_EQ(Read("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"), "400");
  EXPECT_EQ(Read("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"), "400");
  EXPECT_EQ(Read("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"), "400");
  EXPECT_EQ(Read("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "411");
  EXPECT_EQ(Read("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"),
            "400");
}

TEST(HttpRequestReader, IsBounded) {
  const std::string long_one = "GET /" + std::string(kHeaderBytesMax, 'a');
  EXPECT_EQ(Read(long_one), "431");
  const std::string start = "GET / HTTP/1.1\r\nA: ";
  const std::string fits =
      start + std::string(kHeaderBytesMax - start.size() - 4, 'a') + "\r\n\r\n";
  EXPECT_EQ(fits.size(), kHeaderBytesMax);
  EXPECT_EQ(Read(fits), "GET /  ");
  EXPECT_EQ(Read(start + "a" + fits.substr(start.size())), "431");
  const auto post = [](size_t size) {
    return "POST / HTTP/1.1\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
  };
  const std::string body(kBodyBytesMax, 'b');
  EXPECT_EQ(Read(post(kBodyBytesMax) + body), "POST /  " + body);
  EXPECT_EQ(Read(post(kBodyBytesMax + 1)), "413");
}

TEST(HttpRequestReader, TellsOnceThatTheClientWaits) {
  HttpRequestReader reader;
  const std::string_view header =
      "POST / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n";
  EXPECT_EQ(reader.Feed(header.substr(0, 30)), Progress::kNeedMore);
  EXPECT_FALSE(reader.TakeContinue());
  EXPECT_EQ(reader.Feed(header.substr(30)), Progress::kNeedMore);
  EXPECT_TRUE(reader.TakeContinue());
  EXPECT_FALSE(reader.TakeContinue());
  EXPECT_EQ(reader.Feed("ab"), Progress::kDone);

  HttpRequestReader hasty;
  EXPECT_EQ(hasty.Feed(std::string(header) + "a"), Progress::kNeedMore);
  EXPECT_FALSE(hasty.TakeContinue());
  HttpRequestReader empty;
  EXPECT_EQ(empty.Feed("GET / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n"), Progress::kDone);
  EXPECT_FALSE(empty.TakeContinue());
}

}  // namespace
}  // namespace poplar::autoconfig
