#include "proxy/directory/ldap_entry.h"

#include <algorithm>
#include <string_view>

namespace poplar::directory {
namespace {

using Kind = Answer::Kind;

// For the log: a line of it, of bounded length.
std::string Printable(std::string_view text) {
  constexpr size_t kBytesMax = 200;
  std::string line(text.substr(0, kBytesMax));
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  std::replace_if(line.begin(), line.end(), is_control, '?');
  return line;
}

// A name of a place or of a user; such as can be said to a node is for others to judge.
bool IsName(const std::string& value) { return !value.empty() && value.find('\0') == value.npos; }

Answer Trouble(const LdapEntry& entry, std::string_view what) {
  return {.text = "the entry " + Printable(entry.dn) + " " + std::string(what)};
}

}  // namespace

Answer ToAnswer(const std::vector<LdapEntry>& entries) {
  if (entries.empty()) return {.kind = Kind::kUnknown};
  const LdapEntry& entry = entries.front();
  if (entries.size() > 1)
    return {.text = "several entries fit the user: " + Printable(entry.dn) + " and " +
                    Printable(entries[1].dn)};
  if (entry.places.empty()) return {.kind = Kind::kUnknown};
  if (entry.places.size() > 1) return Trouble(entry, "names several places");
  if (entry.logins.size() > 1) return Trouble(entry, "names several login names");
  Found found{.place = entry.places.front()};
  if (!entry.logins.empty()) found.login = entry.logins.front();
  if (!IsName(found.place) || (!entry.logins.empty() && !IsName(found.login)))
    return Trouble(entry, "has an empty value, or one that is no name");
  return {.kind = Kind::kFound, .found = std::move(found)};
}

}  // namespace poplar::directory
