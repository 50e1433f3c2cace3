#include "proxy/io/file_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

namespace poplar::io {
namespace {

// A file that is being written changes again and again; whoever swaps several does it in a burst.
constexpr int kSettleMs = 200;
// A file that never settles doesn't hold the others up.
constexpr int kSettleLooksMax = 25;
// For what inotify doesn't see: folders that vanish and come back, network file systems, a writer
// that doesn't close.
constexpr int kLookMs = 5000;

// Not IN_MODIFY: a log in one of the folders would wake us with each line.
constexpr uint32_t kEvents = IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_CLOSE_WRITE |
                             IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;

std::string FolderOf(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path().string() : ".";
}

}  // namespace

FileWatch::FileWatch(std::vector<File> files) {
  for (File& file : files) {
    const Identity seen = IdentityOf(file.path);
    files_.push_back({std::move(file), seen});
  }
  if (files_.empty()) return;
  inotify_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  stop_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  AddFolders();
  thread_ = std::thread([this] { Run(); });
}

FileWatch::~FileWatch() {
  stopped_ = true;
  if (stop_ >= 0) (void)::eventfd_write(stop_, 1);
  if (thread_.joinable()) thread_.join();
  if (inotify_ >= 0) ::close(inotify_);
  if (stop_ >= 0) ::close(stop_);
}

FileWatch::Identity FileWatch::IdentityOf(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return {};
  constexpr int64_t kNanos = 1'000'000'000;
  return {status.st_dev, status.st_ino, status.st_size,
          status.st_mtim.tv_sec * kNanos + status.st_mtim.tv_nsec};
}

void FileWatch::Run() {
  while (!stopped_) {
    AwaitEvent();
    AwaitRest();
    if (stopped_) return;
    // First, or a change between the two would be missed.
    AddFolders();
    Compare();
  }
}

// The file's own, and the one that a symlink leads to. Adding a folder again changes nothing.
void FileWatch::AddFolders() {
  if (inotify_ < 0) return;
  for (const Watched& each : files_) {
    (void)::inotify_add_watch(inotify_, FolderOf(each.file.path).c_str(), kEvents);
    std::error_code fault;
    const std::filesystem::path real = std::filesystem::canonical(each.file.path, fault);
    if (!fault) (void)::inotify_add_watch(inotify_, FolderOf(real).c_str(), kEvents);
  }
}

// Something has happened in a folder, or it is time to look all the same.
void FileWatch::AwaitEvent() {
  pollfd waiting[] = {{inotify_, POLLIN, 0}, {stop_, POLLIN, 0}};
  (void)::poll(waiting, 2, kLookMs);
}

// Until two looks at our own files see the same: others in the folders may change all the time.
void FileWatch::AwaitRest() {
  std::vector<Identity> before = Look();
  for (int looks = 0; looks < kSettleLooksMax; ++looks) {
    pollfd stop = {stop_, POLLIN, 0};
    if (::poll(&stop, 1, kSettleMs) > 0) return;
    std::vector<Identity> now = Look();
    if (now == before) break;
    before = std::move(now);
  }
  alignas(inotify_event) char events[4096];
  while (inotify_ >= 0 && ::read(inotify_, events, sizeof events) > 0) {
  }
}

std::vector<FileWatch::Identity> FileWatch::Look() const {
  std::vector<Identity> seen;
  seen.reserve(files_.size());
  for (const Watched& each : files_) seen.push_back(IdentityOf(each.file.path));
  return seen;
}

void FileWatch::Compare() {
  for (Watched& each : files_) {
    const Identity now = IdentityOf(each.file.path);
    if (now == each.seen || now == Identity{}) continue;
    each.seen = now;
    each.file.changed();
  }
}

}  // namespace poplar::io
