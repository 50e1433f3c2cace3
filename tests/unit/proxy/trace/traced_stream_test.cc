#include "proxy/trace/traced_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/proxy/io/run_ready.h"
#include "tests/unit/proxy/tls/memory_stream.h"
#include "tests/unit/proxy/trace/recording_sink.h"

namespace poplar::trace {
namespace {

using testing::ElementsAre;

class TracedStreamTest : public testing::Test {
 protected:
  std::unique_ptr<TracedStream> Traced(TracedStream::Peer peer) {
    auto stream =
        std::make_unique<TracedStream>(std::make_unique<tls::MemoryStream>(pool_, in_, out_), peer);
    stream->taps().push_back(std::make_unique<Tap>(sink_, 7, "here", Tap::Start::kIdle));
    return stream;
  }
  std::string Read(io::Stream& stream) {
    std::string got;
    io::TaskScope scope(ready_);
    scope.Spawn([](io::Stream& from, std::string& to) -> io::Task<void> {
      const io::Result<io::Buffer> read = co_await from.Read();
      to = read ? std::string(read->bytes()) : read.error().Text();
    }(stream, got));
    io::RunReady(ready_);
    return got;
  }
  void Write(io::Stream& stream, std::string_view bytes) {
    io::TaskScope scope(ready_);
    scope.Spawn([](io::Stream& to, std::string_view what) -> io::Task<void> {
      const io::Result<> written = co_await to.Write(what);
      (void)written;
    }(stream, bytes));
    io::RunReady(ready_);
  }

  io::RunList ready_;
  io::BufferPool pool_{size_t{1} << 20, ready_};
  std::shared_ptr<tls::MemoryPipe> in_ = std::make_shared<tls::MemoryPipe>(ready_);
  std::shared_ptr<tls::MemoryPipe> out_ = std::make_shared<tls::MemoryPipe>(ready_);
  std::shared_ptr<RecordingSink> sink_ = std::make_shared<RecordingSink>();
};

TEST_F(TracedStreamTest, PassesAllBytesAndHearsTheClient) {
  const auto stream = Traced(TracedStream::Peer::kClient);
  in_->bytes = "STAT\r\n";
  EXPECT_EQ(Read(*stream), "STAT\r\n");
  Write(*stream, "+OK 0 0\r\n");
  EXPECT_EQ(out_->all, "+OK 0 0\r\n");
  in_->ended = true;
  EXPECT_EQ(Read(*stream), "");
  EXPECT_THAT(sink_->lines,
              ElementsAre("here: C: STAT", "here: S: +OK 0 0", "here: [the client ends it]"));
  EXPECT_THAT(sink_->sessions, testing::Each(7));
}

TEST_F(TracedStreamTest, HearsTheNodeTheOtherWayRound) {
  const auto stream = Traced(TracedStream::Peer::kServer);
  Write(*stream, "PASS secret\r\n");
  EXPECT_EQ(out_->all, "PASS secret\r\n");
  in_->bytes = "+OK\r\n";
  EXPECT_EQ(Read(*stream), "+OK\r\n");
  stream->Abort();
  EXPECT_EQ(Read(*stream), io::Error{ECANCELED}.Text());
  EXPECT_THAT(sink_->lines, ElementsAre("here: C: PASS ***", "here: S: +OK"));
}

TEST_F(TracedStreamTest, HidesThePasswordBehindTheName) {
  const auto stream = Traced(TracedStream::Peer::kServer);
  Write(*stream, "USER anna\r\nPASS secret\r\n");
  in_->bytes = "+OK\r\n+OK in\r\n";
  EXPECT_EQ(Read(*stream), "+OK\r\n+OK in\r\n");
  EXPECT_THAT(sink_->lines, ElementsAre("here: C: USER anna", "here: C: PASS ***", "here: S: +OK",
                                        "here: S: +OK in"));
}

TEST_F(TracedStreamTest, HandsOnWhatStreamsCanDo) {
  const auto stream = Traced(TracedStream::Peer::kClient);
  EXPECT_TRUE(stream->Quiet());
  in_->bytes = "x";
  EXPECT_FALSE(stream->Quiet());
  EXPECT_TRUE(stream->Detach());
}

}  // namespace
}  // namespace poplar::trace
