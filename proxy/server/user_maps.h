#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "proxy/directory/user_map.h"
#include "proxy/io/file_watch.h"
#include "proxy/server/log.h"

namespace poplar::server {

// Of one process, those included that rules referred to before a reload.
inline constexpr size_t kUserMapsMax = 64;

// The user maps that rules refer to, read anew when their files change. What can't be read leaves
// the map in force that there was.
class UserMaps {
 public:
  struct Counts {
    uint64_t users = 0;   // of the map in force
    uint64_t loaded = 0;  // the first one included
    uint64_t refused = 0;
  };

  // Reads them all; the error says which can't be and why. Does not watch them yet.
  static tl::expected<std::unique_ptr<UserMaps>, std::string> Load(
      const std::vector<std::string>& files);

  // Behind those that there are, so that their numbers stay; a file that is known keeps its own.
  // Those that no rule refers to any more stay loaded. One thread at a time, with Watch.
  tl::expected<void, std::string> Add(const std::vector<std::string>& files);

  // Before workers run, and behind each Add. Reads what changes on a thread of its own, and says so
  // in the log, which outlives it.
  void Watch(Log& log);

  size_t size() const { return size_.load(std::memory_order_acquire); }
  const std::string& file(size_t map) const { return maps_[map]->file; }

  // The map in force. Any thread; takes a short lock: see UserMapReader.
  std::shared_ptr<const directory::UserMap> Get(size_t map) const;
  // Changes with each new map. Any thread, no lock.
  uint64_t generation(size_t map) const {
    return maps_[map]->generation.load(std::memory_order_acquire);
  }
  Counts counts(size_t map) const;

 private:
  struct Map {
    std::string file;
    mutable std::mutex mutex;
    std::shared_ptr<const directory::UserMap> current;  // guarded by mutex, as the counts
    Counts counts;
    std::atomic<uint64_t> generation = 0;
  };

  tl::expected<void, std::string> Load(std::string file);
  void Reload(Map& map, Log& log);

  std::array<std::unique_ptr<Map>, kUserMapsMax> maps_;
  std::atomic<size_t> size_ = 0;
  std::unique_ptr<io::FileWatch> watch_;  // goes first
};

// One worker's view of the maps: looks them up without a lock as long as none has changed.
class UserMapReader {
 public:
  // They outlive it.
  explicit UserMapReader(const UserMaps& maps) : maps_(maps), seen_(maps.size()) {}

  const directory::UserMap& Current(size_t map);

 private:
  struct Seen {
    uint64_t generation = 0;
    std::shared_ptr<const directory::UserMap> map;
  };

  const UserMaps& maps_;
  std::vector<Seen> seen_;
};

}  // namespace poplar::server
