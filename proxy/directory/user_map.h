#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "proxy/directory/user_map_format.h"

namespace poplar::directory {

// Where the users of a file are, millions of them. Immutable, safe from any thread; a look-up takes
// no syscall, no lock and no memory.
//
// The file is copied into memory of our own and not mapped: an operator who writes over a mapped
// file in place (cp) would take pages from under us, and end the process with SIGBUS.
class UserMap {
 public:
  // Good while the map lives.
  struct Entry {
    std::string_view place;  // "cluster" or "cluster/node"
    std::string_view login;  // at the node; empty: as the client types it
  };

  // Believes nothing in the file. The error says what is wrong with it, without its name.
  static tl::expected<std::shared_ptr<const UserMap>, std::string> Load(const std::string& path);
  // `bytes` of a whole file.
  static tl::expected<std::shared_ptr<const UserMap>, std::string> Parse(
      std::unique_ptr<char[]> bytes, size_t size);

  // The user's own entry, or else that of all users of its domain ("@example.org").
  std::optional<Entry> Find(std::string_view user) const;

  uint64_t users() const { return header_.users; }
  // By number, as entries refer to them.
  const std::vector<std::string_view>& places() const { return places_; }
  // Users of each place, in the order of places(). Walks the whole map.
  std::vector<uint64_t> UsersByPlace() const;
  size_t bytes() const { return size_; }

 private:
  struct Record {
    std::string_view user;
    std::string_view login;
    uint16_t place = 0;
  };

  UserMap(std::unique_ptr<char[]> bytes, size_t size);
  // Empty: the file is sound.
  std::string Inspect();
  std::string InspectHeader() const;
  bool InspectPlaces();
  bool InspectRecords() const;

  uint64_t Bucket(uint64_t number) const;
  Record RecordAt(uint64_t offset) const;
  std::optional<Entry> FindExactly(std::string_view user) const;

  std::unique_ptr<char[]> bytes_;
  size_t size_;
  UserMapHeader header_{};
  const char* index_ = nullptr;
  const char* records_ = nullptr;
  std::vector<std::string_view> places_;
};

}  // namespace poplar::directory
