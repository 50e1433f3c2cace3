#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace poplar::io {

// Tells when a file is another than before: written in place, replaced by rename, or reached
// through a symlink that leads elsewhere now (as Kubernetes swaps ..data). One thread of its own.
class FileWatch {
 public:
  struct File {
    std::string path;
    // On the watch's thread, some 200 ms after the last change; whatever it does holds the other
    // files up. A file that has vanished is not told of until it is back.
    std::function<void()> changed;
  };

  // Without inotify (its limits are the machine's) it looks every few seconds. Changes from here on
  // are told.
  explicit FileWatch(std::vector<File> files);
  // Returns when the thread has ended; no callback runs afterwards.
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

 private:
  // What tells one content of a path from the next.
  struct Identity {
    uint64_t device = 0;
    uint64_t inode = 0;
    int64_t size = 0;
    int64_t modified = 0;  // nanoseconds
    friend bool operator==(const Identity&, const Identity&) = default;
  };
  struct Watched {
    File file;
    Identity seen;
  };

  static Identity IdentityOf(const std::string& path);
  void Run();
  void AddFolders();
  void AwaitEvent();
  void AwaitRest();
  std::vector<Identity> Look() const;
  void Compare();

  std::vector<Watched> files_;
  int inotify_ = -1;
  int stop_ = -1;  // an eventfd
  std::atomic<bool> stopped_ = false;
  std::thread thread_;
};

}  // namespace poplar::io
