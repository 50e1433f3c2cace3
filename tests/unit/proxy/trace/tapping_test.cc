#include "proxy/trace/tapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/proxy/io/run_ready.h"
#include "tests/unit/proxy/tls/memory_stream.h"
#include "tests/unit/proxy/trace/recording_sink.h"

namespace poplar::trace {
namespace {

using testing::ElementsAre;

class TappingTest : public testing::Test {
 protected:
  static Taps TapsOf(const std::shared_ptr<RecordingSink>& sink) {
    Taps taps;
    taps.push_back(std::make_unique<Tap>(sink, 1, "client", Tap::Start::kIdle));
    return taps;
  }

  io::RunList ready_;
  io::BufferPool pool_{size_t{1} << 20, ready_};
  std::shared_ptr<tls::MemoryPipe> pipe_ = std::make_shared<tls::MemoryPipe>(ready_);
  std::unique_ptr<io::Stream> stream_ = std::make_unique<tls::MemoryStream>(pool_, pipe_, pipe_);
  io::Stream* const plain_ = stream_.get();
  std::shared_ptr<RecordingSink> one_ = std::make_shared<RecordingSink>();
  std::shared_ptr<RecordingSink> other_ = std::make_shared<RecordingSink>();
  Tapping tapping_;
};

TEST_F(TappingTest, LeavesAStreamAloneThatNobodyListensTo) {
  tapping_.Add(stream_, TracedStream::Peer::kClient, {});
  EXPECT_EQ(stream_.get(), plain_);
  EXPECT_FALSE(tapping_.active());
  EXPECT_TRUE(tapping_.Remove(stream_).empty());
  tapping_.Note("nobody hears");
  tapping_.DropAllBut({});
}

TEST_F(TappingTest, WrapsOnceAndUnwraps) {
  tapping_.Add(stream_, TracedStream::Peer::kClient, TapsOf(one_));
  io::Stream* const wrapped = stream_.get();
  EXPECT_NE(wrapped, plain_);
  tapping_.Add(stream_, TracedStream::Peer::kClient, TapsOf(other_));
  EXPECT_EQ(stream_.get(), wrapped);
  EXPECT_TRUE(tapping_.Has(*one_) && tapping_.Has(*other_));
  tapping_.Note("both hear");
  EXPECT_EQ(tapping_.Remove(stream_).size(), 2u);
  EXPECT_EQ(stream_.get(), plain_);
  EXPECT_FALSE(tapping_.Has(*one_));
  EXPECT_THAT(one_->lines, ElementsAre("client: [both hear]"));
  EXPECT_EQ(other_->lines, one_->lines);
}

TEST_F(TappingTest, DropsAllButSome) {
  tapping_.Add(stream_, TracedStream::Peer::kClient, TapsOf(one_));
  tapping_.Add(stream_, TracedStream::Peer::kClient, TapsOf(other_));
  tapping_.DropAllBut({other_});
  tapping_.Note("only the other");
  EXPECT_THAT(one_->lines, ElementsAre());
  EXPECT_THAT(other_->lines, ElementsAre("client: [only the other]"));
}

}  // namespace
}  // namespace poplar::trace
