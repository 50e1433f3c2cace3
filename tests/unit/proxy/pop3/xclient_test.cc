#include "proxy/pop3/xclient.h"

#include <gtest/gtest.h>

namespace poplar::pop3 {
namespace {

TEST(XclientTest, TakesWhatIsOursAndSkipsTheRest) {
  const auto xclient = ParseXclient(
      "ADDR=2001:db8::7 PORT=50123  destaddr=192.0.2.1 DESTPORT=995 SESSION=00ff TTL=6 HELO=x=y");
  ASSERT_TRUE(xclient.has_value());
  EXPECT_EQ(xclient->address, "2001:db8::7");
  EXPECT_EQ(xclient->port, 50123);
  EXPECT_EQ(xclient->local_address, "192.0.2.1");
  EXPECT_EQ(xclient->local_port, 995);
  EXPECT_EQ(xclient->ttl, 6u);
}

TEST(XclientTest, NothingSaidIsNothingTaken) {
  const auto xclient = ParseXclient("");
  ASSERT_TRUE(xclient.has_value());
  EXPECT_EQ(xclient->address, "");
  EXPECT_FALSE(xclient->ttl.has_value());
}

TEST(XclientTest, RefusesWhatItCannotMean) {
  const std::string_view cases[] = {"ADDR",           "=x",          "ADDR=",  "PORT=65536",
                                    "PORT=-1",        "PORT=1x",     "TTL=",   "TTL=-1",
                                    "TTL=4294967296", "DESTPORT= 1", "TTL=1 x"};
  for (const std::string_view argument : cases)
    EXPECT_FALSE(ParseXclient(argument).has_value()) << argument;
  EXPECT_FALSE(ParseXclient("ADDR=" + std::string(46, '1')).has_value());
}

}  // namespace
}  // namespace poplar::pop3
