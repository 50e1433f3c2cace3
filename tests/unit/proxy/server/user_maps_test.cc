#include "proxy/server/user_maps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "proxy/directory/user_map_builder.h"
#include "proxy/io/system_clock.h"

namespace poplar::server {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class UserMapsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "user_maps_XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    file_ = folder_ / "users.map";
    config::LogConfig config;
    config.output = (folder_ / "log").string();
    log_ = *Log::Open(config, clock_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // In place of the old one, as poplar map build does.
  void Put(std::string_view line) {
    directory::UserMapBuilder builder({});
    builder.AddLine(line);
    const fs::path beside = folder_ / "beside";
    std::ofstream(beside, std::ios::binary) << builder.Build();
    fs::rename(beside, file_);
  }
  static std::string Place(UserMapReader& reader, std::string_view user) {
    const auto found = reader.Current(0).Find(user);
    return found ? std::string(found->place) : "-";
  }
  // Until it holds, for a time that no working machine needs.
  template <class Predicate>
  static bool Eventually(Predicate holds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!holds() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    return holds();
  }
  std::string LogText() {
    std::ostringstream text;
    text << std::ifstream(folder_ / "log").rdbuf();
    return text.str();
  }

  fs::path folder_;
  fs::path file_;
  io::SystemClock clock_;
  std::unique_ptr<Log> log_;
};

TEST_F(UserMapsTest, SaysWhatCannotBeRead) {
  const auto maps = UserMaps::Load({file_.string()});
  ASSERT_FALSE(maps);
  EXPECT_THAT(maps.error(), HasSubstr("user map " + file_.string() + " cannot be read"));
}

TEST_F(UserMapsTest, ReadsAMapAnewWhenItsFileChanges) {
  Put("anna one");
  auto maps = *UserMaps::Load({file_.string()});
  maps->Watch(*log_);
  UserMapReader reader(*maps);
  EXPECT_EQ(Place(reader, "anna"), "one");
  Put("anna two");
  EXPECT_TRUE(Eventually([&] { return Place(reader, "anna") == "two"; }));
  EXPECT_EQ(maps->counts(0).loaded, 2u);
  EXPECT_TRUE(
      Eventually([&] { return LogText().find("read anew, 1 users") != std::string::npos; }));
}

TEST_F(UserMapsTest, ABrokenFileLeavesTheMapInForce) {
  Put("anna one");
  auto maps = *UserMaps::Load({file_.string()});
  maps->Watch(*log_);
  UserMapReader reader(*maps);
  std::ofstream(file_) << "anna two\n";  // the text instead of the map
  EXPECT_TRUE(Eventually([&] { return maps->counts(0).refused == 1; }));
  EXPECT_EQ(Place(reader, "anna"), "one");
  EXPECT_TRUE(Eventually([&] { return LogText().find("stays in force") != std::string::npos; }));
  Put("anna three");
  EXPECT_TRUE(Eventually([&] { return Place(reader, "anna") == "three"; }));
}

// A worker that looks users up all the time, while maps come and go.
TEST_F(UserMapsTest, LookUpsGoOnWhileMapsChange) {
  Put("anna 0");
  auto maps = *UserMaps::Load({file_.string()});
  maps->Watch(*log_);
  std::atomic<bool> done = false;
  std::atomic<uint64_t> lost = 0;
  std::thread worker([&] {
    UserMapReader reader(*maps);
    while (!done) lost += Place(reader, "anna") == "-";
  });
  for (int i = 1; i <= 3; ++i) {
    Put("anna " + std::to_string(i));
    EXPECT_TRUE(Eventually([&] { return maps->counts(0).loaded > static_cast<uint64_t>(i); }));
  }
  done = true;
  worker.join();
  EXPECT_EQ(lost, 0u);
}

}  // namespace
}  // namespace poplar::server
