#include "proxy/config/source.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "proxy/config/yaml_tree.h"

namespace poplar::config {
namespace {

std::string WriteFile(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + "source_test_" + name;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

TEST(ReadSource, KeepsNameAndTextButNoByteOrderMark) {
  const std::string path = WriteFile("bom", "\xef\xbb\xbfworkers: 1\r\n");
  const auto source = ReadSource(path);
  ASSERT_TRUE(source.has_value());
  EXPECT_EQ(source->name, path);
  EXPECT_EQ(source->text, "workers: 1\r\n");
}

TEST(ReadSource, SaysWhyAFileCannotBeRead) {
  EXPECT_EQ(ReadSource("/no/such/file").error().message,
            "cannot be read: No such file or directory");
  EXPECT_EQ(ReadSource(testing::TempDir()).error().message, "cannot be read: Is a directory");
}

TEST(ReadSource, ReadsNoMoreThanTheParserTakes) {
  const std::string path = WriteFile("large", std::string(kMaxFileBytes * 2, ' '));
  const auto source = ReadSource(path);
  ASSERT_TRUE(source.has_value());
  EXPECT_EQ(source->text.size(), kMaxFileBytes + 1);
  EXPECT_FALSE(ParseYaml(source->text).complete);
}

TEST(WhyUnreadable, TellsFilesFromTheRest) {
  EXPECT_EQ(WhyUnreadable(WriteFile("good", "x")), "");
  EXPECT_EQ(WhyUnreadable(WriteFile("empty", "")), "the file is empty");
  EXPECT_EQ(WhyUnreadable("/no/such/file"), "No such file or directory");
  EXPECT_EQ(WhyUnreadable(testing::TempDir()), "Is a directory");
}

}  // namespace
}  // namespace poplar::config
