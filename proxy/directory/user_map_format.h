#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

// The file that `poplar map build` writes and Poplar reads. All numbers little-endian, as on every
// machine that Poplar runs on.
//
//   header     UserMapHeader
//   index      `buckets` times 8 bytes: 0 for an empty one, else the place of a record among the
//              records, plus 1, in the low 40 bits, and the lowest 24 bits of the user's hash above
//              them. A user's record is looked for from bucket (hash * buckets) >> 64 on, round the
//              end, to the first empty one. hash: XXH3 64 with the header's seed.
//   places     `places` times: 1 byte size, and the text
//   records    2 bytes size of the user's name, 2 of its name at the node, 2 number of the place;
//              then both names
//
// The checksum (XXH3 64) is of all that follows it in the file.
namespace poplar::directory {

static_assert(std::endian::native == std::endian::little);

inline constexpr std::string_view kUserMapMagic = "POPLRMAP";
inline constexpr uint32_t kUserMapVersion = 1;
inline constexpr int kUserMapHashShift = 40;
inline constexpr uint64_t kUserMapOffsetMask = (uint64_t{1} << kUserMapHashShift) - 1;
inline constexpr size_t kUserMapRecordHead = 6;
inline constexpr size_t kUserMapPlacesMax = 65'535;

struct UserMapHeader {
  char magic[8];
  uint32_t version;
  uint32_t zero;
  uint64_t checksum;
  uint64_t seed;
  uint64_t users;
  uint64_t buckets;  // more than users
  uint32_t places;
  uint32_t place_bytes;
  uint64_t record_bytes;
};
static_assert(sizeof(UserMapHeader) == 64);
inline constexpr size_t kUserMapChecked = offsetof(UserMapHeader, seed);

// Where the search for a hash begins.
inline uint64_t UserMapBucket(uint64_t hash, uint64_t buckets) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>(static_cast<Wide>(hash) * buckets >> 64);
}

}  // namespace poplar::directory
