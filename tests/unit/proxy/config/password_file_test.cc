#include "proxy/config/password_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace poplar::config {
namespace {

// What the reader makes of these bytes: "=password", or the error.
std::string ReadBytes(const std::string& bytes) {
  const std::string path = testing::TempDir() + "password_file_test";
  std::ofstream(path, std::ios::binary) << bytes;
  const auto password = ReadPasswordFile(path);
  return password ? "=" + *password : password.error();
}

TEST(ReadPasswordFile, TakesTheFirstLine) {
  const std::pair<std::string, std::string> kCases[] = {
      {"secret", "=secret"},
      {"secret\n", "=secret"},
      {"secret\r\n", "=secret"},
      {"secret\nmore\n", "=secret"},
      {" with spaces \n", "= with spaces "},
      {"p\xc3\xa4ss\n", "=p\xc3\xa4ss"},
      {std::string(kMaxPasswordBytes, 'x'), "=" + std::string(kMaxPasswordBytes, 'x')},
      {std::string(kMaxPasswordBytes, 'x') + "\r\n", "=" + std::string(kMaxPasswordBytes, 'x')},
      {"a\n" + std::string(10'000, 'x'), "=a"},
  };
  for (const auto& [bytes, expected] : kCases) EXPECT_EQ(ReadBytes(bytes), expected) << bytes;
}

TEST(ReadPasswordFile, RefusesWhatIsNoPassword) {
  const std::string kControl = "has a control character in its first line";
  const std::string kTooLong = "has a first line of more than 512 bytes";
  const std::pair<std::string, std::string> kCases[] = {
      {"", "has an empty first line"},
      {"\n", "has an empty first line"},
      {"\r\n", "has an empty first line"},
      {"\nsecret\n", "has an empty first line"},
      {"a\tb\n", kControl},
      {"a\r", kControl},
      {std::string("a\0b\n", 4), kControl},
      {std::string(kMaxPasswordBytes + 1, 'x'), kTooLong},
      {std::string(kMaxPasswordBytes + 1, 'x') + "\n", kTooLong},
      {std::string(100'000, 'x'), kTooLong},
  };
  for (const auto& [bytes, expected] : kCases) EXPECT_EQ(ReadBytes(bytes), expected) << bytes;
}

TEST(ReadPasswordFile, SaysWhyThereIsNone) {
  EXPECT_EQ(ReadPasswordFile("/no/such").error(), "cannot be read: No such file or directory");
  EXPECT_EQ(ReadPasswordFile(testing::TempDir()).error(), "cannot be read: Is a directory");
}

}  // namespace
}  // namespace poplar::config
