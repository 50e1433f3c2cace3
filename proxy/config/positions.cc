#include "proxy/config/positions.h"

#include "proxy/config/quote.h"

namespace poplar::config {
namespace {

// "a.b[0]" -> "a.b" -> "a" -> "".
std::string_view ParentPath(std::string_view path) {
  const size_t end = path.find_last_of(".[");
  return path.substr(0, end == std::string_view::npos ? 0 : end);
}

}  // namespace

std::string ChildPath(std::string_view parent, std::string_view key) {
  std::string path(parent);
  if (!path.empty()) path += '.';
  return path.append(key);
}

std::string ItemPath(std::string_view list, size_t index) {
  return std::string(list) + '[' + std::to_string(index) + ']';
}

std::string PathKey(std::string_view key) {
  constexpr size_t kMaxPlainBytes = 40;
  const bool is_plain =
      !key.empty() && key.size() <= kMaxPlainBytes &&
      key.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
          std::string_view::npos;
  return is_plain ? std::string(key) : Quote(key);
}

Position Positions::Find(std::string_view path) const {
  while (!path.empty()) {
    auto found = by_path_.find(path);
    if (found != by_path_.end()) return found->second;
    path = ParentPath(path);
  }
  return {};
}

bool Positions::IsUnread(std::string_view path) const {
  for (; !path.empty(); path = ParentPath(path)) {
    if (unread_.contains(path)) return true;
  }
  return false;
}

}  // namespace poplar::config
