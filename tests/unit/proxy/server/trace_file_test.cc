#include "proxy/server/trace_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace poplar::server {
namespace {

using testing::HasSubstr;

constexpr int64_t kMoment = 1'700'000'000'123'456;  // 2023-11-14T22:13:20.123456Z

class TraceFileTest : public testing::Test {
 protected:
  TraceFileTest() { std::filesystem::create_directories(folder_); }
  ~TraceFileTest() override { std::filesystem::remove_all(folder_); }

  const std::string folder_ = testing::TempDir() + "trace_file_" + std::to_string(getpid());
};

TEST_F(TraceFileTest, IsNamedByMomentNumberAndKindAndIsForItsOwnerAlone) {
  auto file = TraceFile::Create(folder_, 3, "user", kMoment);
  ASSERT_TRUE(file) << file.error();
  EXPECT_EQ(file->path(), folder_ + "/trace-20231114T221320Z-3-user.log");
  struct stat status = {};
  ASSERT_EQ(stat(file->path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(TraceFileTest, CountsWhatItWrites) {
  auto file = TraceFile::Create(folder_, 1, "node", kMoment);
  ASSERT_TRUE(file) << file.error();
  file->Write("one");
  file->Write("two");
  EXPECT_EQ(file->bytes(), 8u);
  file->Flush();
  EXPECT_FALSE(file->failed());
  std::stringstream text;
  text << std::ifstream(file->path()).rdbuf();
  EXPECT_EQ(text.str(), "one\ntwo\n");
}

TEST_F(TraceFileTest, NeverTakesAFileThatIsThere) {
  ASSERT_TRUE(TraceFile::Create(folder_, 1, "user", kMoment));
  const auto again = TraceFile::Create(folder_, 1, "user", kMoment);
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error(), HasSubstr("File exists"));
  const auto nowhere = TraceFile::Create(folder_ + "/none", 1, "user", kMoment);
  ASSERT_FALSE(nowhere);
  EXPECT_THAT(nowhere.error(), HasSubstr("No such file or directory"));
}

}  // namespace
}  // namespace poplar::server
