#include "proxy/tls/library_level.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace poplar::tls {
namespace {

TEST(LibraryLevelTest, NamesTheLibrary) {
  EXPECT_TRUE(LibraryLevel().starts_with("BoringSSL API ")) << LibraryLevel();
  EXPECT_TRUE(LibraryLevel().ends_with(")")) << LibraryLevel();
}

// OpenSSL's libraries would bind to BoringSSL's symbols, and crash.
TEST(LibraryLevelTest, NoOtherTlsLibraryIsMapped) {
  std::ifstream maps("/proc/self/maps");
  std::stringstream text;
  text << maps.rdbuf();
  ASSERT_NE(text.str().find("unit_tls_test"), std::string::npos);
  EXPECT_EQ(text.str().find("libssl.so.3"), std::string::npos);
  EXPECT_EQ(text.str().find("libcrypto.so.3"), std::string::npos);
}

}  // namespace
}  // namespace poplar::tls
