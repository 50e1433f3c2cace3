#include "proxy/io/process_channel.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>

namespace poplar::io {
namespace {

constexpr Duration kPatience = std::chrono::seconds(10);

class ProcessChannelTest : public testing::Test {
 protected:
  void SetUp() override {
    auto ends = ProcessChannel::Open();
    ASSERT_TRUE(ends);
    near_ = std::move(ends->first);
    far_ = std::move(ends->second);
  }

  ProcessChannel near_;
  ProcessChannel far_;
};

TEST_F(ProcessChannelTest, KeepsMessagesApart) {
  ASSERT_TRUE(near_.Send("one", kPatience));
  ASSERT_TRUE(near_.Send(std::string("t\0o", 3), kPatience));
  EXPECT_EQ(far_.Receive(kPatience)->bytes, "one");
  EXPECT_EQ(far_.Receive(kPatience)->bytes, std::string("t\0o", 3));
}

TEST_F(ProcessChannelTest, TheLongestMessageFits) {
  const std::string longest(ProcessChannel::kMessageBytesMax, 'x');
  ASSERT_TRUE(near_.Send(longest, kPatience));
  EXPECT_EQ(far_.Receive(kPatience)->bytes, longest);
}

TEST_F(ProcessChannelTest, CarriesDescriptors) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_TRUE(near_.Send("pipe", kPatience, {ends[0], ends[1]}));
  close(ends[1]);
  const auto message = far_.Receive(kPatience);
  ASSERT_TRUE(message);
  ASSERT_EQ(message->descriptors.size(), 2u);
  EXPECT_NE(message->descriptors[1].get(), ends[1]);
  ASSERT_EQ(write(message->descriptors[1].get(), "!", 1), 1);
  char byte = 0;
  EXPECT_EQ(read(ends[0], &byte, 1), 1);
  EXPECT_EQ(byte, '!');
  close(ends[0]);
}

TEST_F(ProcessChannelTest, WaitsNoLongerThanItsPatience) {
  const auto nothing = far_.Receive(std::chrono::milliseconds(1));
  EXPECT_TRUE(!nothing && nothing.error().code == ETIMEDOUT);
  Result<> sent;
  for (int i = 0; sent && i < 10'000; ++i)
    sent = near_.Send(std::string(10'000, 'x'), std::chrono::milliseconds(1));
  EXPECT_TRUE(!sent && sent.error().code == ETIMEDOUT) << "nobody takes it";
}

TEST_F(ProcessChannelTest, SaysWhenTheOtherEndIsGone) {
  EXPECT_FALSE(near_.ended());
  ASSERT_TRUE(far_.Send("last words", kPatience));
  far_ = ProcessChannel();
  EXPECT_TRUE(near_.ended());
  EXPECT_EQ(near_.Receive(kPatience)->bytes, "last words");
  const auto end = near_.Receive(kPatience);
  EXPECT_TRUE(!end && end.error().code == EPIPE);
  const auto sent = near_.Send("too late", kPatience);
  EXPECT_TRUE(!sent && sent.error().code == EPIPE);
}

TEST_F(ProcessChannelTest, ShutdownEndsWhatWaits) {
  std::thread other([this] { near_.Shutdown(); });
  const auto here = near_.Receive(kPatience);
  EXPECT_TRUE(!here && here.error().code == EPIPE);
  const auto there = far_.Receive(kPatience);
  EXPECT_TRUE(!there && there.error().code == EPIPE);
  other.join();
}

}  // namespace
}  // namespace poplar::io
