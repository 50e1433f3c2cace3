#include "proxy/proxy_protocol/header.h"

#include <gtest/gtest.h>

#include <string>

namespace poplar::proxy_protocol {
namespace {

using std::string_literals::operator""s;
using std::string_view_literals::operator""sv;
using Kind = Parsed::Kind;

// "client -> server of N bytes", or the kind.
std::string Show(std::string_view input) {
  const Parsed parsed = ParseHeader(input);
  switch (parsed.kind) {
    case Kind::kNeedMore:
      return "more";
    case Kind::kNone:
      return "none";
    case Kind::kMalformed:
      return "malformed";
    case Kind::kHeader:
      break;
  }
  const std::string bytes = " of " + std::to_string(parsed.bytes);
  if (!parsed.endpoints) return "unknown" + bytes;
  return parsed.endpoints->source.Text() + " -> " + parsed.endpoints->destination.Text() + bytes;
}

Endpoints Between(std::string_view source, std::string_view destination) {
  return {*io::Address::ParseWithPort(source), *io::Address::ParseWithPort(destination)};
}

// Section 2.2's twelve bytes, then what is given.
std::string V2(std::string_view rest) { return "\r\n\r\n\0\r\nQUIT\n"s + std::string(rest); }

// Each beginning of a header may become one; its bytes end where it ends.
void ExpectWhole(const std::string& header, const std::string& shown) {
  for (size_t size = 0; size < header.size(); ++size)
    EXPECT_EQ(Show(header.substr(0, size)), "more") << size;
  EXPECT_EQ(Show(header), shown);
  EXPECT_EQ(Show(header + "USER ann\r\n"), shown);
}

// Section 2.1.
TEST(ProxyHeaderTest, VersionOne) {
  ExpectWhole("PROXY TCP4 192.0.2.1 198.51.100.7 56324 995\r\n",
              "192.0.2.1:56324 -> 198.51.100.7:995 of 45");
  ExpectWhole("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n", "[2001:db8::1]:0 -> [::1]:65535 of 36");
  ExpectWhole("PROXY UNKNOWN\r\n", "unknown of 15");
  ExpectWhole("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", "unknown of 43");
}

TEST(ProxyHeaderTest, TheLongestOfVersionOne) {
  const std::string line =
      "PROXY UNKNOWN ffff:f...f:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff 65535 "
      "65535";
  const std::string longest = line + std::string(105 - line.size(), 'x') + "\r\n";
  ASSERT_EQ(longest.size(), 107u);
  EXPECT_EQ(Show(longest), "unknown of 107");
  EXPECT_EQ(Show(longest.substr(0, 106)), "more");
  EXPECT_EQ(Show("PROXY UNKNOWN" + std::string(94, 'x')), "malformed");
  EXPECT_EQ(Show("PROXY UNKNOWN" + std::string(93, 'x') + "\r\n"), "malformed");
}

TEST(ProxyHeaderTest, WhatBeginsAsVersionOneAndIsNone) {
  for (const auto bad :
       {"PROXY \r\n", "PROXY TCP4\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
        "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1x 2\r\n",
        "PROXY TCP4 2001:db8::1 192.0.2.2 1 2\r\n", "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n", "PROXY TCP6 [::1] ::2 1 2\r\n",
        "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", "PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n"}) {
    EXPECT_EQ(Show(bad), "malformed") << bad;
  }
}

TEST(ProxyHeaderTest, VersionTwo) {
  const std::string four = "\xc0\x00\x02\x01\xc6\x33\x64\x07\xdc\x04\x03\xe3"s;
  ExpectWhole(V2("\x21\x11\x00\x0c"sv) + four, "192.0.2.1:56324 -> 198.51.100.7:995 of 28");
  const std::string six = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x01"s +
                          std::string(15, '\0') + "\x01\x00\x6e\x03\xe3"s;
  ExpectWhole(V2("\x21\x21\x00\x24"sv) + six, "[2001:db8::1]:110 -> [::1]:995 of 52");
}

TEST(ProxyHeaderTest, TlvsAreSkipped) {
  const std::string four = "\xc0\x00\x02\x01\xc6\x33\x64\x07\xdc\x04\x03\xe3"s;
  const std::string name =
      "\x02\x00\x03"
      "foo"s;
  const std::string empty = "\x04\x00\x00"s;
  EXPECT_EQ(Show(V2("\x21\x11\x00\x15"sv) + four + name + empty),
            "192.0.2.1:56324 -> 198.51.100.7:995 of 37");
  // One byte short, one byte over, and a length that leads beyond the end.
  EXPECT_EQ(Show(V2("\x21\x11\x00\x11"sv) + four + name), "malformed");
  EXPECT_EQ(Show(V2("\x21\x11\x00\x13"sv) + four + name + "x"), "malformed");
  EXPECT_EQ(Show(V2("\x21\x11\x00\x0f"sv) + four + "\x02\xff\xff"s), "malformed");
}

// Section 2.2: health checks, and families that a receiver doesn't know.
TEST(ProxyHeaderTest, VersionTwoThatNamesNobody) {
  EXPECT_EQ(Show(V2("\x20\x00\x00\x00"sv)), "unknown of 16");
  EXPECT_EQ(Show(V2("\x20\x11\x00\x03xyz"sv)), "unknown of 19");
  EXPECT_EQ(Show(V2("\x21\x00\x00\x00"sv)), "unknown of 16");
  EXPECT_EQ(Show(V2("\x21\x12\x00\x00"sv)), "unknown of 16");  // UDP
  EXPECT_EQ(Show(V2("\x21\x31\x00\x02ux"sv)), "unknown of 18");
}

TEST(ProxyHeaderTest, WhatBeginsAsVersionTwoAndIsNone) {
  EXPECT_EQ(Show(V2("\x11\x11\x00\x0c"sv)), "malformed");  // version 1
  EXPECT_EQ(Show(V2("\x22\x11\x00\x0c"sv)), "malformed");  // a third command
  EXPECT_EQ(Show(V2("\x21\x11\x00\x0b"sv) + std::string(11, 'x')), "malformed");
  EXPECT_EQ(Show(V2("\x21\x21\x00\x23"sv) + std::string(35, 'x')), "malformed");
}

TEST(ProxyHeaderTest, AHeaderIsBounded) {
  const auto of = [](size_t length) {
    std::string header = V2("\x20\x00"sv);
    header += static_cast<char>(length >> 8);
    header += static_cast<char>(length & 0xff);
    return header;
  };
  EXPECT_EQ(Show(of(kHeaderBytesMax - 16)), "more");
  EXPECT_EQ(Show(of(kHeaderBytesMax - 15)), "malformed");  // at once, not when all has come
}

TEST(ProxyHeaderTest, EverythingElseIsNone) {
  for (const auto other : {"USER ann\r\n"sv, "PROXX"sv, "proxy TCP4"sv, "\x16\x03\x01"sv,
                           "\r\n\r\nQ"sv, "\r\n\r\n\0\r\nQUIX"sv}) {
    EXPECT_EQ(Show(other), "none") << other;
  }
}

TEST(ProxyHeaderTest, WhatWeWriteWeRead) {
  const Endpoints four = Between("192.0.2.1:56324", "198.51.100.7:995");
  const Endpoints six = Between("[2001:db8::1]:1", "[2001:db8::2]:995");
  EXPECT_EQ(RenderV1(four), "PROXY TCP4 192.0.2.1 198.51.100.7 56324 995\r\n");
  EXPECT_EQ(RenderV1(six), "PROXY TCP6 2001:db8::1 2001:db8::2 1 995\r\n");
  for (const Endpoints& endpoints : {four, six}) {
    EXPECT_EQ(ParseHeader(RenderV1(endpoints)).endpoints, endpoints);
    EXPECT_EQ(ParseHeader(RenderV2(endpoints)).endpoints, endpoints);
  }
  EXPECT_EQ(Show(RenderLocal()), "unknown of 16");
}

TEST(ProxyHeaderTest, AMappedAddressIsWrittenAsWhatItIs) {
  const Endpoints mapped = Between("[::ffff:192.0.2.1]:56324", "[::ffff:198.51.100.7]:995");
  const Endpoints four = Between("192.0.2.1:56324", "198.51.100.7:995");
  EXPECT_EQ(RenderV1(mapped), RenderV1(four));
  EXPECT_EQ(RenderV2(mapped), RenderV2(four));
}

TEST(ProxyHeaderTest, TwoFamiliesAreUnknown) {
  const Endpoints mixed = Between("192.0.2.1:1", "[2001:db8::2]:995");
  EXPECT_EQ(RenderV1(mixed), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(Show(RenderV2(mixed)), "unknown of 16");
}

}  // namespace
}  // namespace poplar::proxy_protocol
