#include "proxy/directory/user_map_builder.h"

#include <xxhash.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <tuple>
#include <utility>

#include "balancer/canonical_user.h"
#include "proxy/directory/user_map_format.h"
#include "proxy/pop3/ascii.h"

namespace poplar::directory {
namespace {

// Any; it stands in the file, so that it may be another one day.
constexpr uint64_t kSeed = 0x9E3779B97F4A7C15;
constexpr std::string_view kBlanks = " \t\r";
constexpr std::string_view kForm = "expected: USER PLACE [LOGIN]";
constexpr size_t kNameBytesMax = 64;  // of a cluster, of a node
constexpr size_t kShownBytes = 60;

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= kNameBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return pop3::IsLetterOrDigit(c) || c == '.' || c == '_' || c == '-';
         });
}

bool IsPlace(std::string_view text) {
  const size_t slash = text.find('/');
  return IsName(text.substr(0, slash)) && (slash == text.npos || IsName(text.substr(slash + 1)));
}

bool IsUser(std::string_view text) {
  return text.size() <= balancer::kMaxUserBytes && text != "@" &&
         std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string Shown(std::string_view text) {
  std::string shown = "\"";
  for (const char c : text.substr(0, kShownBytes))
    shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return shown + (text.size() > kShownBytes ? "...\"" : "\"");
}

template <class T>
void Append(std::string& to, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  to.append(bytes, sizeof value);
}

uint64_t HashOf(std::string_view user) {
  return XXH3_64bits_withSeed(user.data(), user.size(), kSeed);
}

}  // namespace

void UserMapBuilder::Fault(std::string text) {
  if (faults_.size() < kFaultsMax)
    faults_.push_back("line " + std::to_string(line_) + ": " + std::move(text));
  ++fault_count_;
}

bool UserMapBuilder::TakeWords(std::string_view line, std::string_view words[3]) {
  line = line.substr(0, line.find('#'));
  size_t count = 0;
  for (size_t at = line.find_first_not_of(kBlanks); at != line.npos;
       at = line.find_first_not_of(kBlanks, at)) {
    const size_t end = std::min(line.find_first_of(kBlanks, at), line.size());
    if (count == 3) {
      Fault("more than three words; " + std::string(kForm));
      return false;
    }
    words[count++] = line.substr(at, end - at);
    at = end;
  }
  if (count == 1) Fault("no place; " + std::string(kForm));
  return count >= 2;
}

bool UserMapBuilder::TakePlace(std::string_view text, uint16_t* number) {
  const auto [known, is_new] =
      place_numbers_.try_emplace(std::string(text), static_cast<uint16_t>(places_.size()));
  if (is_new) {
    if (!IsPlace(text)) {
      place_numbers_.erase(known);
      Fault(Shown(text) + " is no place; expected: a cluster's name, or cluster/node");
      return false;
    }
    if (places_.size() == kUserMapPlacesMax) {
      Fault("more than " + std::to_string(kUserMapPlacesMax) + " places");
      return false;
    }
    places_.emplace_back(text);
  }
  *number = known->second;
  return true;
}

void UserMapBuilder::AddLine(std::string_view line) {
  ++line_;
  std::string_view words[3];
  Entry entry{texts_.size(), 0, 0, 0, line_};
  if (!TakeWords(line, words)) return;
  const auto [user, place, login] = std::tie(words[0], words[1], words[2]);
  if (!IsUser(user) || !IsUser(login)) {
    Fault(Shown(IsUser(user) ? login : user) + " is no user's name; expected: at most " +
          std::to_string(balancer::kMaxUserBytes) + " bytes without control characters");
    return;
  }
  if (!TakePlace(place, &entry.place)) return;
  entry.user = static_cast<uint16_t>(user.size());
  entry.login = static_cast<uint16_t>(login.size());
  texts_.append(user).append(login);
  const size_t kept = options_.keep_case ? std::min(user.rfind('@'), user.size()) : 0;
  const auto begin = texts_.begin() + static_cast<std::ptrdiff_t>(entry.text + kept);
  std::transform(begin, texts_.begin() + static_cast<std::ptrdiff_t>(entry.text + entry.user),
                 begin, pop3::ToLower);
  if (IsNew(entry)) {
    entries_.push_back(entry);
  } else {
    texts_.resize(entry.text);
  }
}

// Of two users with one hash the second is looked for at its hash plus one, and so on.
bool UserMapBuilder::IsNew(const Entry& entry) {
  const std::string_view user = UserOf(entry);
  for (uint64_t hash = HashOf(user);; ++hash) {
    uint32_t& number = first_by_hash_[hash];
    if (number == 0) {
      number = static_cast<uint32_t>(entries_.size() + 1);
      return true;
    }
    const Entry& other = entries_[number - 1];
    if (UserOf(other) != user) continue;
    if (other.place != entry.place || LoginOf(other) != LoginOf(entry)) {
      Fault(Shown(user) + " has stood in line " + std::to_string(other.line) +
            " already, with another place or login");
    }
    return false;
  }
}

std::string UserMapBuilder::IndexOf(const std::vector<uint64_t>& offsets, uint64_t buckets) const {
  std::vector<uint64_t> index(buckets);
  for (size_t i = 0; i < entries_.size(); ++i) {
    const uint64_t hash = HashOf(UserOf(entries_[i]));
    uint64_t at = UserMapBucket(hash, buckets);
    while (index[at] != 0) at = at + 1 == buckets ? 0 : at + 1;
    index[at] = hash << kUserMapHashShift | (offsets[i] + 1);
  }
  std::string bytes(buckets * sizeof(uint64_t), '\0');
  std::memcpy(bytes.data(), index.data(), bytes.size());
  return bytes;
}

std::string UserMapBuilder::Build() {
  assert(fault_count_ == 0);
  first_by_hash_ = {};
  std::string records;
  records.reserve(texts_.size() + entries_.size() * kUserMapRecordHead);
  std::vector<uint64_t> offsets;
  offsets.reserve(entries_.size());
  for (const Entry& entry : entries_) {
    offsets.push_back(records.size());
    Append(records, entry.user);
    Append(records, entry.login);
    Append(records, entry.place);
    records.append(UserOf(entry)).append(LoginOf(entry));
  }
  std::string places;
  for (const std::string& place : places_)
    places.append(1, static_cast<char>(place.size())).append(place);
  UserMapHeader header{};
  kUserMapMagic.copy(header.magic, sizeof header.magic);
  header.version = kUserMapVersion;
  header.seed = kSeed;
  header.users = entries_.size();
  header.buckets = entries_.size() + entries_.size() / 3 + 1;
  header.places = static_cast<uint32_t>(places_.size());
  header.place_bytes = static_cast<uint32_t>(places.size());
  header.record_bytes = records.size();
  std::string file(sizeof header, '\0');
  file += IndexOf(offsets, header.buckets);
  file.append(places).append(records);
  std::memcpy(file.data(), &header, sizeof header);
  header.checksum = XXH3_64bits(file.data() + kUserMapChecked, file.size() - kUserMapChecked);
  std::memcpy(file.data(), &header, sizeof header);
  return file;
}

}  // namespace poplar::directory
