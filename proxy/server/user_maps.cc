#include "proxy/server/user_maps.h"

#include <utility>

namespace poplar::server {

tl::expected<std::unique_ptr<UserMaps>, std::string> UserMaps::Load(
    const std::vector<std::string>& files) {
  auto maps = std::make_unique<UserMaps>();
  auto loaded = maps->Add(files);
  if (!loaded) return tl::unexpected(loaded.error());
  return maps;
}

tl::expected<void, std::string> UserMaps::Add(const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    bool known = false;
    for (size_t i = 0; i < size(); ++i) known = known || maps_[i]->file == file;
    auto loaded = known ? tl::expected<void, std::string>() : Load(file);
    if (!loaded) return loaded;
  }
  return {};
}

tl::expected<void, std::string> UserMaps::Load(std::string file) {
  if (size() == kUserMapsMax)
    return tl::unexpected("user map " + file + ": one process reads at most " +
                          std::to_string(kUserMapsMax) +
                          " files, those before a reload included; start Poplar anew");
  auto loaded = directory::UserMap::Load(file);
  if (!loaded) return tl::unexpected("user map " + file + " " + loaded.error());
  auto map = std::make_unique<Map>();
  map->file = std::move(file);
  map->counts = {.users = (*loaded)->users(), .loaded = 1};
  map->current = std::move(*loaded);
  map->generation = 1;
  maps_[size()] = std::move(map);
  size_.fetch_add(1, std::memory_order_release);
  return {};
}

void UserMaps::Watch(Log& log) {
  std::vector<io::FileWatch::File> files;
  for (size_t i = 0; i < size(); ++i) {
    Map& map = *maps_[i];
    files.push_back({map.file, [this, &map, &log] { Reload(map, log); }});
  }
  watch_ = std::make_unique<io::FileWatch>(std::move(files));
}

void UserMaps::Reload(Map& map, Log& log) {
  auto loaded = directory::UserMap::Load(map.file);
  if (!loaded) {
    log.Error("user map " + map.file + " " + loaded.error() +
              "; the one read before stays in force");
    const std::lock_guard lock(map.mutex);
    ++map.counts.refused;
    return;
  }
  log.Info("user map " + map.file + ": read anew, " + std::to_string((*loaded)->users()) +
           " users");
  // The old one goes when nobody looks at it any more, and not under the lock.
  std::shared_ptr<const directory::UserMap> old = std::move(*loaded);
  const std::lock_guard lock(map.mutex);
  map.current.swap(old);
  map.counts.users = map.current->users();
  ++map.counts.loaded;
  map.generation.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const directory::UserMap> UserMaps::Get(size_t map) const {
  const std::lock_guard lock(maps_[map]->mutex);
  return maps_[map]->current;
}

UserMaps::Counts UserMaps::counts(size_t map) const {
  const std::lock_guard lock(maps_[map]->mutex);
  return maps_[map]->counts;
}

const directory::UserMap& UserMapReader::Current(size_t map) {
  if (map >= seen_.size()) seen_.resize(map + 1);
  Seen& seen = seen_[map];
  const uint64_t generation = maps_.generation(map);
  if (seen.generation != generation) seen = {generation, maps_.Get(map)};
  return *seen.map;
}

}  // namespace poplar::server
