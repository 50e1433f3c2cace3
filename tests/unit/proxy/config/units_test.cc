#include "proxy/config/units.h"

#include <gtest/gtest.h>

#include <chrono>

namespace poplar::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(ParseDuration, TakesEveryUnit) {
  EXPECT_EQ(ParseDuration("500ms"), Duration(milliseconds(500)));
  EXPECT_EQ(ParseDuration("15s"), Duration(seconds(15)));
  EXPECT_EQ(ParseDuration("10m"), Duration(minutes(10)));
  EXPECT_EQ(ParseDuration("1h"), Duration(hours(1)));
  EXPECT_EQ(ParseDuration("0s"), Duration(0));
  EXPECT_EQ(ParseDuration("007s"), Duration(seconds(7)));
}

TEST(ParseSize, TakesEveryUnit) {
  EXPECT_EQ(ParseSize("512B"), Size{512});
  EXPECT_EQ(ParseSize("64KiB"), KiB(64));
  EXPECT_EQ(ParseSize("256MiB"), MiB(256));
  EXPECT_EQ(ParseSize("1GiB"), GiB(1));
  EXPECT_EQ(ParseSize("0B"), Size{0});
}

struct Malformed {
  const char* text;
  const char* message;
  const char* suggestion;
};

TEST(ParseDuration, SaysWhatIsWrongAndWhatToWrite) {
  const Malformed kCases[] = {
      {"", "\"\" does not start with a whole number", ""},
      {"s", "\"s\" does not start with a whole number", ""},
      {"-5s", "\"-5s\" does not start with a whole number", ""},
      {"+5s", "\"+5s\" does not start with a whole number", ""},
      {" 5s", "\" 5s\" does not start with a whole number", ""},
      {"60", "\"60\" has no unit", "60s"},
      {"0", "\"0\" has no unit", "0s"},
      {"60 ", "\"60 \" has no unit", "60s"},
      {"10 s", "\"10 s\" has a space before its unit", "10s"},
      {"1.5s", "\"1.5s\" is not a whole number and a unit", ""},
      {"1,5s", "\"1,5s\" is not a whole number and a unit", ""},
      {"5min", "unknown unit \"min\"", "5m"},
      {"5M", "unknown unit \"M\"", "5m"},
      {"5 seconds", "unknown unit \"seconds\"", "5s"},
      {"5KiB", "unknown unit \"KiB\"", ""},
      {"1h30m", "unknown unit \"h30m\"", ""},
      {"5s ", "unknown unit \"s \"", ""},
      {"99999999999999999999s", "\"99999999999999999999s\" is too large", ""},
      {"9223372036854775807s", "\"9223372036854775807s\" is too large", ""},
      {"9223372036854775808ms", "\"9223372036854775808ms\" is too large", ""},
  };
  for (const Malformed& c : kCases) {
    const auto parsed = ParseDuration(c.text);
    ASSERT_FALSE(parsed.has_value()) << c.text;
    EXPECT_EQ(parsed.error().message, c.message);
    EXPECT_EQ(parsed.error().suggestion, c.suggestion) << c.text;
  }
}

TEST(ParseSize, SaysWhatIsWrongAndWhatToWrite) {
  const Malformed kCases[] = {
      {"65536", "\"65536\" has no unit", "65536B"},
      {"64KB", "unknown unit \"KB\"", "64KiB"},
      {"64k", "unknown unit \"k\"", "64KiB"},
      {"5M", "unknown unit \"M\"", "5MiB"},
      {"5G", "unknown unit \"G\"", "5GiB"},
      {"5TiB", "unknown unit \"TiB\"", ""},
      {"5s", "unknown unit \"s\"", ""},
      {"17179869184GiB", "\"17179869184GiB\" is too large", ""},
      {"B", "\"B\" does not start with a whole number", ""},
  };
  for (const Malformed& c : kCases) {
    const auto parsed = ParseSize(c.text);
    ASSERT_FALSE(parsed.has_value()) << c.text;
    EXPECT_EQ(parsed.error().message, c.message);
    EXPECT_EQ(parsed.error().suggestion, c.suggestion) << c.text;
  }
}

TEST(ParseDuration, TakesTheLargestThatFits) {
  EXPECT_EQ(ParseDuration("9223372036854775807ms"), Duration(INT64_MAX));
}

TEST(ParseSize, TakesTheLargestThatFits) {
  EXPECT_EQ(ParseSize("18446744073709551615B"), Size{UINT64_MAX});
  EXPECT_EQ(ParseSize("17179869183GiB"), GiB(17179869183));
}

TEST(ParsePercent, TakesOneDigitBehindThePoint) {
  const std::pair<const char*, int> kCases[] = {
      {"0", 0}, {"30", 300}, {"2.5", 25}, {"0.1", 1}, {"100", 1000}, {"100.0", 1000}, {"007", 70}};
  for (const auto& [text, permille] : kCases) EXPECT_EQ(ParsePercent(text), Percent{permille});
}

TEST(ParsePercent, SaysWhatIsWrongAndWhatToWrite) {
  const Malformed kCases[] = {
      {"", "\"\" is no percentage", ""},
      {"%", "\"%\" is no percentage", ""},
      {"-0", "\"-0\" is no percentage", ""},
      {"-1", "\"-1\" is no percentage", ""},
      {".5", "\".5\" is no percentage", ""},
      {"2.", "\"2.\" is no percentage", ""},
      {"2.55", "\"2.55\" is no percentage", ""},
      {"2,5", "\"2,5\" is no percentage", ""},
      {"2.x", "\"2.x\" is no percentage", ""},
      {"30%", "\"30%\" has a sign", "30"},
      {"101", "\"101\" is out of bounds", ""},
      {"100.1", "\"100.1\" is out of bounds", ""},
      {"99999999999", "\"99999999999\" is no percentage", ""},
  };
  for (const Malformed& c : kCases) {
    const auto parsed = ParsePercent(c.text);
    ASSERT_FALSE(parsed.has_value()) << c.text;
    EXPECT_EQ(parsed.error().message, c.message);
    EXPECT_EQ(parsed.error().suggestion, c.suggestion) << c.text;
  }
}

TEST(FormatPercent, ReadsBack) {
  for (const char* text : {"0", "0.1", "2.5", "30", "99.9", "100"})
    EXPECT_EQ(FormatPercent(*ParsePercent(text)), text);
}

TEST(FormatDuration, TakesTheLargestExactUnitAndReadsBack) {
  const std::pair<Duration, const char*> kCases[] = {
      {Duration(0), "0s"},  {milliseconds(1), "1ms"}, {milliseconds(1500), "1500ms"},
      {seconds(15), "15s"}, {seconds(60), "1m"},      {seconds(90), "90s"},
      {minutes(10), "10m"}, {hours(24), "24h"},       {minutes(90), "90m"},
  };
  for (const auto& [duration, text] : kCases) {
    EXPECT_EQ(FormatDuration(duration), text);
    EXPECT_EQ(ParseDuration(text), duration);
  }
}

TEST(FormatSize, TakesTheLargestExactUnitAndReadsBack) {
  const std::pair<Size, const char*> kCases[] = {
      {Size{0}, "0B"},        {Size{1000}, "1000B"}, {KiB(64), "64KiB"},
      {KiB(1536), "1536KiB"}, {MiB(1024), "1GiB"},
  };
  for (const auto& [size, text] : kCases) {
    EXPECT_EQ(FormatSize(size), text);
    EXPECT_EQ(ParseSize(text), size);
  }
}

}  // namespace
}  // namespace poplar::config
