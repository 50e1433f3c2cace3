#include "proxy/handover/frame.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proxy/io/process_channel.h"

namespace poplar::handover {
namespace {

TEST(Frame, IsReadAsItWasWritten) {
  const std::string bytes =
      FrameOf(FrameKind::kClaim,
              Fields()
                  .Number(Tag::kNumber, 0x0102030405060708)
                  .Nested(Tag::kUser, Fields().Text(Tag::kName, std::string("a\0\xff", 3)))
                  .Text(Tag::kText, ""));
  const auto frame = ParseFrame(bytes);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->kind, FrameKind::kClaim);
  ASSERT_EQ(frame->fields.size(), 3u);
  EXPECT_EQ(NumberIn(frame->fields, Tag::kNumber), 0x0102030405060708u);
  const auto user = ParseFields(TextIn(frame->fields, Tag::kUser));
  ASSERT_TRUE(user);
  EXPECT_EQ(TextIn(*user, Tag::kName), std::string_view("a\0\xff", 3));
  EXPECT_EQ(frame->fields[2].value, "");
}

// Frozen: another version of Poplar reads it.
TEST(Frame, HasTheseBytes) {
  EXPECT_EQ(FrameOf(FrameKind::kPrepared), std::string("\x01\0\x04\0", 4));
  EXPECT_EQ(FrameOf(FrameKind::kClaimed, Fields().Number(Tag::kNumber, 258)),
            std::string("\x01\0\x0c\0\x02\0\x08\0\0\0\x02\x01\0\0\0\0\0\0", 18));
}

TEST(Frame, WhatIsNotKnownIsSkipped) {
  const std::string bytes =
      FrameOf(static_cast<FrameKind>(999),
              Fields().Text(static_cast<Tag>(888), "new").Number(Tag::kNumber, 5));
  const auto frame = ParseFrame(bytes);
  ASSERT_TRUE(frame);
  EXPECT_EQ(NumberIn(frame->fields, Tag::kNumber), 5u);
}

TEST(Frame, RefusesOthersAndHalves) {
  const std::string good =
      FrameOf(FrameKind::kFailed, Fields().Text(Tag::kText, "why").Number(Tag::kNumber, 1));
  for (size_t length = 0; length < good.size(); ++length) {
    const auto part = ParseFrame(std::string_view(good).substr(0, length));
    const bool at_an_end = length == 4 || length == 4 + 6 + 3;
    EXPECT_EQ(part.has_value(), at_an_end) << length;
  }
  std::string other = good;
  other[0] = 2;
  EXPECT_FALSE(ParseFrame(other)) << "another format";
  std::string longer = good;
  longer[6] = '\xff';
  EXPECT_FALSE(ParseFrame(longer)) << "a field that is longer than the frame";
}

TEST(Frame, ANumberHasEightBytes) {
  EXPECT_EQ((Field{Tag::kNumber, "1234567"}.number()), 0u);
  EXPECT_EQ(NumberIn({}, Tag::kNumber), 0u);
  EXPECT_EQ(TextIn({}, Tag::kText), "");
}

TEST(FramesOf, FitIntoMessages) {
  std::vector<Fields> users;
  for (int i = 0; i < 5000; ++i)
    users.push_back(Fields().Text(Tag::kName, "user" + std::to_string(i) + std::string(100, '.')));
  const std::vector<std::string> frames = FramesOf(FrameKind::kUsers, Tag::kUser, users);
  EXPECT_GT(frames.size(), 1u);
  size_t count = 0;
  for (const std::string& bytes : frames) {
    EXPECT_LE(bytes.size(), io::ProcessChannel::kMessageBytesMax);
    const auto frame = ParseFrame(bytes);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->kind, FrameKind::kUsers);
    count += frame->fields.size();
  }
  EXPECT_EQ(count, users.size());
  EXPECT_TRUE(FramesOf(FrameKind::kUsers, Tag::kUser, {}).empty());
}

}  // namespace
}  // namespace poplar::handover
