#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/config/problem.h"

namespace poplar::config {

// "clusters[0]" + "nodes" is "clusters[0].nodes"; "" + "tls" is "tls".
std::string ChildPath(std::string_view parent, std::string_view key);
std::string ItemPath(std::string_view list, size_t index);

// A key from the file as part of a path: quoted and cut unless it looks like one of ours.
std::string PathKey(std::string_view key);

// Where in the file each setting was given, by its path; and which ones could not be read.
class Positions {
 public:
  void Add(std::string path, Position at) { by_path_[std::move(path)] = at; }

  // For a path that the file does not contain, the nearest setting around it; {0, 0} when there is
  // none.
  Position Find(std::string_view path) const;

  // Whether the file contains the setting itself.
  bool Contains(std::string_view path) const { return by_path_.find(path) != by_path_.end(); }

  // The setting stands in the file, or should, but its value was not taken: a problem says so, and
  // judging the default that stands in for it would only blame the operator twice.
  void MarkUnread(std::string path) { unread_.insert(std::move(path)); }

  // Whether the setting or one around it was marked.
  bool IsUnread(std::string_view path) const;

  // Its value comes from elsewhere (references.h), and isn't to be shown.
  void MarkSecret(std::string path) { secret_.insert(std::move(path)); }
  bool IsSecret(std::string_view path) const { return secret_.find(path) != secret_.end(); }

 private:
  std::map<std::string, Position, std::less<>> by_path_;
  std::set<std::string, std::less<>> unread_;
  std::set<std::string, std::less<>> secret_;
};

}  // namespace poplar::config
