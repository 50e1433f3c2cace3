#include "proxy/config/network_text.h"

#include <gtest/gtest.h>

namespace poplar::config {
namespace {

TEST(CheckNetworkText, TakesAddressesAndNetworks) {
  for (const char* good :
       {"192.0.2.1", "192.0.2.0/24", "192.0.2.1/32", "0.0.0.0/0", "10.0.0.0/8", "2001:db8::1",
        "2001:db8::/32", "::/0", "::1/128", "::ffff:192.0.2.1", "192.0.2.128/25"}) {
    const auto checked = CheckNetworkText(good);
    EXPECT_TRUE(checked) << good << ": " << checked.error();
  }
}

TEST(CheckNetworkText, SaysWhatIsWrong) {
  constexpr const char* kCases[][2] = {
      {"", R"("" is neither an IP address nor a network)"},
      {"mail.example", R"("mail.example" is neither an IP address nor a network)"},
      {"192.0.2", R"("192.0.2" is neither an IP address nor a network)"},
      {"[::1]", R"("[::1]" is neither an IP address nor a network)"},
      {"/24", R"("/24" is neither an IP address nor a network)"},
      {" 192.0.2.1", R"(" 192.0.2.1" is neither an IP address nor a network)"},
      {"192.0.2.0/", R"("" is no length of a network's prefix (0 to 32))"},
      {"192.0.2.0/33", R"("33" is no length of a network's prefix (0 to 32))"},
      {"192.0.2.0/-1", R"("-1" is no length of a network's prefix (0 to 32))"},
      {"192.0.2.0/-0", R"("-0" is no length of a network's prefix (0 to 32))"},
      {"192.0.2.0/24x", R"("24x" is no length of a network's prefix (0 to 32))"},
      {"192.0.2.0/24/8", R"("24/8" is no length of a network's prefix (0 to 32))"},
      {"192.0.2.0/99999999999", R"("99999999999" is no length of a network's prefix (0 to 32))"},
      {"::/129", R"("129" is no length of a network's prefix (0 to 128))"},
      {"192.0.2.1/24", R"("192.0.2.1/24" has bits set behind its prefix)"},
      {"192.0.2.129/25", R"("192.0.2.129/25" has bits set behind its prefix)"},
      {"2001:db8::1/64", R"("2001:db8::1/64" has bits set behind its prefix)"},
  };
  for (const auto& [text, message] : kCases) {
    const auto checked = CheckNetworkText(text);
    ASSERT_FALSE(checked) << text;
    EXPECT_EQ(checked.error(), message);
  }
}

}  // namespace
}  // namespace poplar::config
