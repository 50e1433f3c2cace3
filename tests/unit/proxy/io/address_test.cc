#include "proxy/io/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace poplar::io {
namespace {

using namespace std::string_view_literals;

struct WithPort {
  std::string_view text;
  int family;
  std::string_view printed;
};

TEST(AddressTest, ParsesAndPrintsWithPort) {
  const WithPort kCases[] = {
      {"192.0.2.1:995", AF_INET, "192.0.2.1:995"},
      {"0.0.0.0:0", AF_INET, "0.0.0.0:0"},
      {"255.255.255.255:65535", AF_INET, "255.255.255.255:65535"},
      {"[2001:db8::1]:995", AF_INET6, "[2001:db8::1]:995"},
      {"[2001:DB8:0:0:0:0:0:1]:110", AF_INET6, "[2001:db8::1]:110"},
      {"[::]:1", AF_INET6, "[::]:1"},
      {"[::1]:65535", AF_INET6, "[::1]:65535"},
      {"[::ffff:192.0.2.1]:995", AF_INET6, "192.0.2.1:995"},
  };
  for (const WithPort& c : kCases) {
    SCOPED_TRACE(c.text);
    const std::optional<Address> address = Address::ParseWithPort(c.text);
    ASSERT_TRUE(address.has_value());
    EXPECT_EQ(address->family(), c.family);
    EXPECT_EQ(address->Text(), c.printed);
    const std::optional<Address> again = Address::ParseWithPort(address->Text());
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->Text(), c.printed);
  }
}

TEST(AddressTest, RefusesGarbageWithPort) {
  constexpr std::string_view kCases[] = {
      "",
      ":",
      ":995",
      "192.0.2.1",
      "192.0.2.1:",
      "192.0.2.1:-1",
      "192.0.2.1:+1",
      "192.0.2.1: 1",
      "192.0.2.1:65536",
      "192.0.2.1:99999999999999999999",
      "192.0.2.1:1x",
      "192.0.2.1:995:995",
      "192.0.2.256:1",
      "192.0.2:1",
      "192.0.2.1.1:1",
      " 192.0.2.1:1",
      "192.0.2.1 :1",
      "localhost:995",
      "2001:db8::1",
      "2001:db8::1:995",
      "[2001:db8::1]",
      "[2001:db8::1]995",
      "[2001:db8::1:995",
      "2001:db8::1]:995",
      "[]:1",
      "[:1",
      "[192.0.2.1]:995",
      "[[::1]]:995",
      "[::1%lo]:995",
      "[2001:db8::1::2]:995",
      "192.0.2.1\0:995"sv,
      "192.0.2.1\0evil:995"sv,
      "[::1\0]:995"sv,
      "192.0.2.1:995\0"sv,
  };
  for (const std::string_view text : kCases) {
    EXPECT_FALSE(Address::ParseWithPort(text).has_value()) << "\"" << text << "\"";
  }
}

TEST(AddressTest, ParsesHosts) {
  EXPECT_EQ(Address::Parse("192.0.2.1", 995)->Text(), "192.0.2.1:995");
  EXPECT_EQ(Address::Parse("2001:db8::1", 995)->Text(), "[2001:db8::1]:995");
  EXPECT_EQ(Address::Parse("[2001:db8::1]", 995)->Text(), "[2001:db8::1]:995");
  for (const std::string_view text :
       {""sv, "["sv, "]"sv, "[]"sv, "[192.0.2.1]"sv, "mail.example"sv, "1"sv, "0x7f000001"sv,
        "127.1"sv, "192.0.2.01x"sv, "127.0.0.1\0"sv, "127.0.0.1\0.example"sv}) {
    EXPECT_FALSE(Address::Parse(text, 1).has_value()) << "\"" << text << "\"";
  }
  EXPECT_FALSE(Address::Parse(std::string(100'000, '1'), 1).has_value());
}

TEST(AddressTest, AMappedAddressReadsAsTheIpv4One) {
  EXPECT_EQ(Address::Parse("::ffff:192.0.2.1", 1)->Host(), "192.0.2.1");
  EXPECT_EQ(Address::Parse("::ffff:c000:201", 1)->Host(), "192.0.2.1");
  // Only that prefix: these are IPv6.
  EXPECT_EQ(Address::Parse("::fffe:c000:201", 1)->Host(), "::fffe:c000:201");
  EXPECT_EQ(Address::Parse("1::ffff:c000:201", 1)->Host(), "1::ffff:c000:201");
}

TEST(AddressTest, ComparesByAddressAndPort) {
  const Address one = *Address::Parse("192.0.2.1", 995);
  EXPECT_EQ(one, *Address::ParseWithPort("192.0.2.1:995"));
  EXPECT_NE(one, *Address::Parse("192.0.2.1", 996));
  EXPECT_NE(one, *Address::Parse("192.0.2.2", 995));
  EXPECT_NE(one, *Address::Parse("::ffff:192.0.2.1", 995));
  Address moved = one;
  moved.set_port(996);
  EXPECT_EQ(moved.port(), 996);
  EXPECT_EQ(moved, *Address::Parse("192.0.2.1", 996));
  EXPECT_EQ(Address::Loopback(7), *Address::Parse("127.0.0.1", 7));
}

TEST(AddressTest, GoesToTheSocketsFormAndBack) {
  for (const char* text : {"192.0.2.1:995", "[2001:db8::1]:995"}) {
    const Address address = *Address::ParseWithPort(text);
    sockaddr_storage storage{};
    std::memcpy(&storage, address.sockaddr_pointer(), address.sockaddr_length());
    EXPECT_EQ(storage.ss_family, address.family());
    EXPECT_EQ(Address::FromSockaddr(reinterpret_cast<const sockaddr*>(&storage)), address);
  }
  sockaddr_in plain{};
  plain.sin_family = AF_INET;
  plain.sin_port = htons(995);
  plain.sin_addr.s_addr = htonl(0xc0000201);
  std::memset(plain.sin_zero, 0x5a, sizeof(plain.sin_zero));  // padding says nothing
  EXPECT_EQ(Address::FromSockaddr(reinterpret_cast<const sockaddr*>(&plain)),
            *Address::Parse("192.0.2.1", 995));
}

TEST(AddressTest, AnUnknownFamilyIsNoAddress) {
  sockaddr strange{};
  strange.sa_family = AF_UNIX;
  const Address address = Address::FromSockaddr(&strange);
  EXPECT_EQ(address, Address());
  EXPECT_EQ(address.Host(), "");
  EXPECT_EQ(address.Text(), ":0");
}

}  // namespace
}  // namespace poplar::io
