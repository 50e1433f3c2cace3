#include "proxy/directory/user_map.h"

#include <xxhash.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <new>
#include <system_error>
#include <utility>

namespace poplar::directory {
namespace {

constexpr std::string_view kAnew = "; build it anew with poplar map build";
constexpr size_t kBucketBytes = 8;
constexpr uint64_t kTagMask = (uint64_t{1} << (64 - kUserMapHashShift)) - 1;

template <class T>
T ReadAt(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

std::string Broken(std::string_view what) { return std::string(what).append(kAnew); }

}  // namespace

UserMap::UserMap(std::unique_ptr<char[]> bytes, size_t size)
    : bytes_(std::move(bytes)), size_(size) {}

tl::expected<std::shared_ptr<const UserMap>, std::string> UserMap::Load(const std::string& path) {
  // A folder can be opened, and has a size of its own idea.
  std::error_code fault;
  if (std::filesystem::is_directory(path, fault))
    return tl::unexpected(std::string("is no ordinary file"));
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) return tl::unexpected(std::string("cannot be read: ") + std::strerror(errno));
  const std::streamoff size = in.tellg();
  if (size < 0) return tl::unexpected(std::string("is no ordinary file"));
  std::unique_ptr<char[]> bytes(new (std::nothrow) char[static_cast<size_t>(size) + 1]);
  if (bytes == nullptr)
    return tl::unexpected("takes more memory than there is: " + std::to_string(size) + " bytes");
  in.seekg(0);
  if (!in.read(bytes.get(), size)) return tl::unexpected(std::string("cannot be read to its end"));
  return Parse(std::move(bytes), static_cast<size_t>(size));
}

tl::expected<std::shared_ptr<const UserMap>, std::string> UserMap::Parse(
    std::unique_ptr<char[]> bytes, size_t size) {
  std::shared_ptr<UserMap> map(new UserMap(std::move(bytes), size));
  std::string fault = map->Inspect();
  if (!fault.empty()) return tl::unexpected(std::move(fault));
  return map;
}

std::string UserMap::Inspect() {
  if (!std::string_view(bytes_.get(), size_).starts_with(kUserMapMagic.substr(0, size_)))
    return Broken("is no user map");
  if (size_ < sizeof header_) return Broken("is too short for a user map");
  std::memcpy(&header_, bytes_.get(), sizeof header_);
  std::string fault = InspectHeader();
  if (!fault.empty()) return fault;
  index_ = bytes_.get() + sizeof header_;
  records_ = index_ + header_.buckets * kBucketBytes + header_.place_bytes;
  if (!InspectPlaces()) return Broken("has places that are none");
  if (!InspectRecords()) return Broken("has entries that are none");
  return {};
}

// Afterwards every part lies within the file.
std::string UserMap::InspectHeader() const {
  const UserMapHeader& h = header_;
  if (h.version != kUserMapVersion)
    return Broken("has version " + std::to_string(h.version) + " of the format, not " +
                  std::to_string(kUserMapVersion));
  // Each bounded by the file's size before they are added up.
  const uint64_t rest = size_ - sizeof h;
  const bool fits = h.buckets <= rest / kBucketBytes && h.record_bytes <= rest &&
                    h.buckets * kBucketBytes + h.place_bytes + h.record_bytes == rest;
  if (!fits || h.buckets <= h.users || h.places > kUserMapPlacesMax || h.zero != 0)
    return Broken("has other sizes than it says");
  const uint64_t checksum = XXH3_64bits(bytes_.get() + kUserMapChecked, size_ - kUserMapChecked);
  if (checksum != h.checksum) return Broken("is damaged or was still being written");
  return {};
}

bool UserMap::InspectPlaces() {
  const char* at = index_ + header_.buckets * kBucketBytes;
  const char* const end = at + header_.place_bytes;
  places_.reserve(header_.places);
  for (uint32_t i = 0; i < header_.places; ++i) {
    if (at == end) return false;
    const size_t size = static_cast<unsigned char>(*at++);
    if (size == 0 || static_cast<size_t>(end - at) < size) return false;
    places_.emplace_back(at, size);
    at += size;
  }
  return at == end;
}

bool UserMap::InspectRecords() const {
  uint64_t users = 0;
  for (uint64_t i = 0; i < header_.buckets; ++i) {
    const uint64_t bucket = Bucket(i);
    if (bucket == 0) continue;
    const uint64_t offset = (bucket & kUserMapOffsetMask) - 1;  // wraps if there are no low bits
    if (offset > header_.record_bytes || header_.record_bytes - offset < kUserMapRecordHead)
      return false;
    const char* head = records_ + offset;
    const size_t names = size_t{ReadAt<uint16_t>(head)} + ReadAt<uint16_t>(head + 2);
    if (header_.record_bytes - offset - kUserMapRecordHead < names) return false;
    if (ReadAt<uint16_t>(head + 4) >= header_.places) return false;
    ++users;
  }
  return users == header_.users;
}

uint64_t UserMap::Bucket(uint64_t number) const {
  return ReadAt<uint64_t>(index_ + number * kBucketBytes);
}

UserMap::Record UserMap::RecordAt(uint64_t offset) const {
  const char* head = records_ + offset;
  const size_t user = ReadAt<uint16_t>(head);
  const size_t login = ReadAt<uint16_t>(head + 2);
  const char* names = head + kUserMapRecordHead;
  return {{names, user}, {names + user, login}, ReadAt<uint16_t>(head + 4)};
}

std::optional<UserMap::Entry> UserMap::Find(std::string_view user) const {
  if (const auto own = FindExactly(user)) return own;
  const size_t at = user.rfind('@');
  if (at == user.npos || at == 0) return std::nullopt;
  return FindExactly(user.substr(at));
}

// Ends, since there are fewer users than buckets.
std::optional<UserMap::Entry> UserMap::FindExactly(std::string_view user) const {
  const uint64_t hash = XXH3_64bits_withSeed(user.data(), user.size(), header_.seed);
  for (uint64_t i = UserMapBucket(hash, header_.buckets);;
       i = i + 1 == header_.buckets ? 0 : i + 1) {
    const uint64_t bucket = Bucket(i);
    if (bucket == 0) return std::nullopt;
    if (bucket >> kUserMapHashShift != (hash & kTagMask)) continue;
    const Record record = RecordAt((bucket & kUserMapOffsetMask) - 1);
    if (record.user == user) return Entry{places_[record.place], record.login};
  }
}

std::vector<uint64_t> UserMap::UsersByPlace() const {
  std::vector<uint64_t> counts(places_.size());
  for (uint64_t i = 0; i < header_.buckets; ++i) {
    const uint64_t bucket = Bucket(i);
    if (bucket != 0) ++counts[RecordAt((bucket & kUserMapOffsetMask) - 1).place];
  }
  return counts;
}

}  // namespace poplar::directory
