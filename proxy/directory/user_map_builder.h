#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace poplar::directory {

// Makes a user map of text: lines of `USER PLACE [LOGIN]`, blanks between, # begins a comment. USER
// is a canonical name, or @domain for all users of a domain who have no line of their own; PLACE is
// a cluster or cluster/node; LOGIN the user's name there, as the client types it if missing.
class UserMapBuilder {
 public:
  struct Options {
    bool keep_case = false;  // of users; their domains are lower-cased all the same
  };
  // More than that nobody reads; the rest are counted.
  static constexpr size_t kFaultsMax = 20;

  explicit UserMapBuilder(const Options& options) : options_(options) {}

  void AddLine(std::string_view line);

  // "line 7: ..." each; the same user twice with one place and login is none.
  const std::vector<std::string>& faults() const { return faults_; }
  size_t faults_in_all() const { return fault_count_; }
  size_t users() const { return entries_.size(); }

  // The whole file. Only without faults; once.
  std::string Build();

 private:
  struct Entry {
    uint64_t text;  // where both names begin in texts_
    uint16_t user;  // sizes
    uint16_t login;
    uint16_t place;
    uint32_t line;
  };

  void Fault(std::string text);
  bool TakeWords(std::string_view line, std::string_view words[3]);
  bool TakePlace(std::string_view text, uint16_t* number);
  std::string_view UserOf(const Entry& entry) const {
    return std::string_view(texts_).substr(entry.text, entry.user);
  }
  std::string_view LoginOf(const Entry& entry) const {
    return std::string_view(texts_).substr(entry.text + entry.user, entry.login);
  }
  bool IsNew(const Entry& entry);
  std::string IndexOf(const std::vector<uint64_t>& offsets, uint64_t buckets) const;

  const Options options_;
  uint32_t line_ = 0;
  std::string texts_;  // of all entries
  std::vector<Entry> entries_;
  absl::flat_hash_map<uint64_t, uint32_t> first_by_hash_;  // numbers of entries, plus 1
  std::vector<std::string> places_;
  absl::flat_hash_map<std::string, uint16_t> place_numbers_;
  std::vector<std::string> faults_;
  size_t fault_count_ = 0;
};

}  // namespace poplar::directory
