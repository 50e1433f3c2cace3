#include "proxy/tls/sha256.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace poplar::tls {
namespace {

// FIPS 180-2, appendix B.1.
TEST(Sha256, IsTheStandards) {
  std::string hex;
  for (const uint8_t byte : Sha256("abc")) {
    char text[4];
    std::snprintf(text, sizeof text, "%02x", unsigned{byte});
    hex += text;
  }
  EXPECT_EQ(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace poplar::tls
