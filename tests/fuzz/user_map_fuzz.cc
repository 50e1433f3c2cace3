#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/directory/user_map.h"
#include "proxy/directory/user_map_builder.h"

// The first byte says whether the rest is a file with a right checksum, so that what lies behind it
// is reached, or text to make one of.
namespace {

using poplar::directory::UserMap;

void Require(bool holds) {
  if (!holds) std::abort();
}

std::shared_ptr<const UserMap> Parse(std::string_view file) {
  std::unique_ptr<char[]> bytes(new char[file.size() + 1]);
  file.copy(bytes.get(), file.size());
  const auto map = UserMap::Parse(std::move(bytes), file.size());
  return map ? *map : nullptr;
}

void Visit(const UserMap& map) {
  for (std::string_view user : {"anna", "bob@example.org", "carol@archive.example", ""}) {
    const auto found = map.Find(user);
    Require(!found || !found->place.empty());
  }
  uint64_t users = 0;
  for (const uint64_t count : map.UsersByPlace()) users += count;
  Require(users == map.users());
}

void FromFile(std::string file) {
  if (file.size() >= sizeof(poplar::directory::UserMapHeader)) {
    const uint64_t checksum = XXH3_64bits(file.data() + poplar::directory::kUserMapChecked,
                                          file.size() - poplar::directory::kUserMapChecked);
    std::memcpy(file.data() + offsetof(poplar::directory::UserMapHeader, checksum), &checksum,
                sizeof checksum);
  }
  if (const auto map = Parse(file)) Visit(*map);
}

void FromText(std::string_view text) {
  poplar::directory::UserMapBuilder builder({});
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    builder.AddLine(text.substr(at, end - at));
    at = end + 1;
  }
  if (builder.faults_in_all() > 0) return;
  const size_t users = builder.users();
  const auto map = Parse(builder.Build());
  Require(map != nullptr && map->users() == users);
  Visit(*map);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 'f') {
    FromFile(std::string(rest));
  } else {
    FromText(rest);
  }
  return 0;
}
