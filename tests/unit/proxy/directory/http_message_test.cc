#include "proxy/directory/http_message.h"

#include <gtest/gtest.h>

namespace poplar::directory {
namespace {

using Progress = HttpResponseReader::Progress;

// Fed `piece` bytes at a time, and then the end of the stream if it wants more.
Progress Read(HttpResponseReader& reader, std::string_view bytes, size_t piece) {
  Progress progress = Progress::kNeedMore;
  for (size_t at = 0; at < bytes.size() && progress == Progress::kNeedMore; at += piece) {
    progress = reader.Feed(bytes.substr(at, piece));
    if (progress == Progress::kDone && at + piece < bytes.size()) return Progress::kBroken;
  }
  return progress == Progress::kNeedMore ? reader.OnEnd() : progress;
}

constexpr std::string_view kGood =
    "HTTP/1.1 200 OK\r\nAuth-Status: OK\r\nAUTH-Server:  192.0.2.1 \r\nContent-Length: "
    "4\r\n\r\nbody";

TEST(HttpResponseReader, ReadsAResponseInPiecesOfAnySize) {
  for (size_t piece = 1; piece <= kGood.size(); ++piece) {
    HttpResponseReader reader;
    ASSERT_EQ(Read(reader, kGood, piece), Progress::kDone) << piece << reader.fault();
    const HttpResponse& response = reader.response();
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.Header("auth-status"), "OK");
    EXPECT_EQ(response.Header("auth-server"), "192.0.2.1");
    EXPECT_EQ(response.Header("no-such"), "");
    EXPECT_TRUE(response.keep_alive);
  }
}

TEST(HttpResponseReader, ReadsChunksInPiecesOfAnySize) {
  constexpr std::string_view kHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string_view body :
       {"0\r\n\r\n", "1\r\na\r\n0\r\n\r\n", "0\r\nTrailer: of it\r\n\r\n"}) {
    const std::string bytes = std::string(kHead) + std::string(body);
    for (size_t piece = 1; piece <= bytes.size(); ++piece) {
      HttpResponseReader reader;
      ASSERT_EQ(Read(reader, bytes, piece), Progress::kDone) << body << piece << reader.fault();
    }
  }
}

TEST(HttpResponseReader, KnowsWhereResponsesEnd) {
  struct Case {
    std::string_view bytes;
    Progress progress;
    bool keep_alive;
  };
  const Case cases[] = {
      {"HTTP/1.1 204 No Content\r\n\r\n", Progress::kDone, true},
      {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", Progress::kDone, false},
      {"HTTP/1.0 200 OK\r\n\r\nuntil the end", Progress::kDone, false},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", Progress::kDone,
       true},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Progress::kDone,
       true},
      {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbo", Progress::kBroken, false},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r", Progress::kBroken, false},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nab\r\n0\r\n\r\n",
       Progress::kBroken, false},
      {"HTTP/1.1 200 OK\r\nAuth-St", Progress::kBroken, false},
      {"", Progress::kBroken, false},
      {"SSH-2.0-OpenSSH\r\n", Progress::kBroken, false},
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore", Progress::kBroken, false},
      {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", Progress::kBroken, false},
      {"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n", Progress::kBroken, false},
      {"HTTP/1.1 200 OK\r\nContent-Length: 497554224488149391\r\n\r\nthe body begins",
       Progress::kBroken, false},
      {"HTTP/1.1 200 OK\r\nA\0b: c\r\n\r\n", Progress::kBroken, false},
  };
  for (const Case& c : cases) {
    for (const size_t piece : {size_t{1}, size_t{1000}}) {
      HttpResponseReader reader;
      EXPECT_EQ(Read(reader, c.bytes, piece), c.progress) << c.bytes;
      if (c.progress == Progress::kDone) {
        EXPECT_EQ(reader.response().keep_alive, c.keep_alive) << c.bytes;
      }
    }
  }
}

TEST(HttpResponseReader, BoundsWhatAServerMaySend) {
  const std::string begin = "HTTP/1.1 200 OK\r\n";
  HttpResponseReader long_line;
  EXPECT_EQ(Read(long_line, begin + "A: " + std::string(20'000, 'x') + "\r\n\r\n", 1000),
            Progress::kBroken);
  HttpResponseReader endless;
  EXPECT_EQ(Read(endless, begin + std::string(40'000, 'x'), 40'000), Progress::kBroken);
  std::string many = begin;
  for (size_t i = 0; i <= HttpResponseReader::kHeadersMax; ++i)
    many += "H" + std::to_string(i) + ": 1\r\n";
  HttpResponseReader headers;
  EXPECT_EQ(Read(headers, many + "Content-Length: 0\r\n\r\n", 500), Progress::kBroken);
  EXPECT_EQ(headers.fault(), "too many headers");
  HttpResponseReader body;
  EXPECT_EQ(Read(body, "HTTP/1.0 200 OK\r\n\r\n" + std::string(70'000, 'x'), 4096),
            Progress::kBroken);
}

}  // namespace
}  // namespace poplar::directory
