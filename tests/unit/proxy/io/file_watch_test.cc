#include "proxy/io/file_watch.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

namespace poplar::io {
namespace {

namespace fs = std::filesystem;

// Counts what a watch tells, and waits for it.
class Told {
 public:
  void Tell() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  // True: `count` calls at least, in a time that no working watch needs.
  bool Reaches(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return count_ >= count; });
  }
  int count() {
    const std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

class FileWatchTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "file_watch_XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  static void Write(const fs::path& path, std::string_view text) { std::ofstream(path) << text; }
  FileWatch::File Watched(const fs::path& path, Told& told) {
    return {path.string(), [&told] { told.Tell(); }};
  }

  fs::path folder_;
  Told told_;
};

TEST_F(FileWatchTest, TellsOfEachWayToChangeAFile) {
  const fs::path file = folder_ / "a";
  Write(file, "one");
  FileWatch watch({Watched(file, told_)});
  Write(file, "in place");
  ASSERT_TRUE(told_.Reaches(1));
  Write(folder_ / "beside", "renamed");
  fs::rename(folder_ / "beside", file);
  ASSERT_TRUE(told_.Reaches(2));
  fs::remove(file);
  Write(file, "again");
  ASSERT_TRUE(told_.Reaches(3));
}

TEST_F(FileWatchTest, TellsOfAFileThatComesIntoBeing) {
  const fs::path file = folder_ / "later";
  FileWatch watch({Watched(file, told_)});
  Write(file, "here");
  ASSERT_TRUE(told_.Reaches(1));
}

// As Kubernetes updates a mounted ConfigMap or Secret.
TEST_F(FileWatchTest, TellsOfASymlinkThatLeadsElsewhere) {
  fs::create_directory(folder_ / "v1");
  fs::create_directory(folder_ / "v2");
  Write(folder_ / "v1/a", "one");
  Write(folder_ / "v2/a", "two");
  fs::create_directory_symlink("v1", folder_ / "..data");
  fs::create_symlink("..data/a", folder_ / "a");
  FileWatch watch({Watched(folder_ / "a", told_)});
  fs::create_directory_symlink("v2", folder_ / "..data_tmp");
  fs::rename(folder_ / "..data_tmp", folder_ / "..data");
  ASSERT_TRUE(told_.Reaches(1));
  // The new folder is watched as well.
  Write(folder_ / "v2/a", "three!");
  ASSERT_TRUE(told_.Reaches(2));
}

TEST_F(FileWatchTest, KeepsFilesApart) {
  Told other;
  Write(folder_ / "a", "a");
  Write(folder_ / "b", "b");
  FileWatch watch({Watched(folder_ / "a", told_), Watched(folder_ / "b", other)});
  Write(folder_ / "b", "bb");
  ASSERT_TRUE(other.Reaches(1));
  EXPECT_EQ(told_.count(), 0);
}

// A log beside it, say.
TEST_F(FileWatchTest, TellsWhileAnotherFileOfTheFolderChangesAllTheTime) {
  Write(folder_ / "a", "a");
  FileWatch watch({Watched(folder_ / "a", told_)});
  std::atomic<bool> done = false;
  std::thread writer([&] {
    while (!done) std::ofstream(folder_ / "log", std::ios::app) << "line\n";
  });
  Write(folder_ / "a", "aa");
  EXPECT_TRUE(told_.Reaches(1));
  done = true;
  writer.join();
}

TEST_F(FileWatchTest, EndsAtOnceWhateverItWaitsFor) {
  FileWatch none({});
  FileWatch missing({Watched(folder_ / "no/such/folder/file", told_)});
}

}  // namespace
}  // namespace poplar::io
