#include "proxy/tls/ticket_keys.h"

#include <gtest/gtest.h>

namespace poplar::tls {
namespace {

TEST(TicketKeysTest, FindsByTheNameInFront) {
  TicketKeys::Key one{};
  TicketKeys::Key two{};
  one.fill(1);
  two.fill(2);
  const TicketKeys keys({one, two});
  EXPECT_EQ(keys.sealing(), one);
  ASSERT_NE(keys.Find(std::span(two).first<16>()), nullptr);
  EXPECT_EQ(*keys.Find(std::span(two).first<16>()), two);
  two[15] = 3;
  EXPECT_EQ(keys.Find(std::span(two).first<16>()), nullptr);
}

TEST(TicketKeysTest, GeneratedKeysDiffer) {
  EXPECT_NE(TicketKeys::Generate()->sealing(), TicketKeys::Generate()->sealing());
}

}  // namespace
}  // namespace poplar::tls
