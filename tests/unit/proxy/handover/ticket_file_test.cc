#include "proxy/handover/ticket_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace poplar::handover {
namespace {

TEST(TicketFile, CarriesTheKeyThatSeals) {
  const auto keys = tls::TicketKeys::Generate();
  const io::Descriptor file = WriteTicketFile(*keys);
  ASSERT_TRUE(file);
  const auto read = ReadTicketFile(file);
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(read->sealing(), keys->sealing());
}

TEST(TicketFile, IsNoneWithAnotherLength) {
  const io::Descriptor file = WriteTicketFile(*tls::TicketKeys::Generate());
  ASSERT_EQ(ftruncate(file.get(), 20), 0);
  EXPECT_EQ(ReadTicketFile(file), nullptr);
  EXPECT_EQ(ReadTicketFile(io::Descriptor()), nullptr);
}

}  // namespace
}  // namespace poplar::handover
