#include "proxy/tls/ticket_keys.h"

#include <fcntl.h>
#include <openssl/base64.h>
#include <openssl/mem.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

namespace poplar::tls {
namespace {

using Key = TicketKeys::Key;

constexpr size_t kShortKeyBytes = 48;
constexpr size_t kLongKeyBytes = 80;
// In base64; a line of a key is no longer.
constexpr size_t kLineBytesMax = (kLongKeyBytes + 2) / 3 * 4;
constexpr size_t kFileBytesMax = kTicketKeysMax * (kLineBytesMax + 2);

constexpr std::string_view kExpected =
    "a line a key is expected, base64 of 48 or 80 random bytes: openssl rand -base64 80 | tr -d "
    "'\\n'";

template <class Bytes>
void Wipe(Bytes& bytes) {
  OPENSSL_cleanse(bytes.data(), bytes.size());
}

// The field's order: name, cipher, MAC of a short key; name, MAC, cipher of a long one.
Key KeyOf(std::span<const uint8_t> raw) {
  Key key;
  key.bytes = raw.size() == kLongKeyBytes ? 32 : 16;
  const bool is_long = key.bytes == 32;
  const auto first = raw.subspan(key.name.size(), key.bytes);
  const auto second = raw.subspan(key.name.size() + key.bytes, key.bytes);
  std::ranges::copy(raw.first(key.name.size()), key.name.begin());
  std::ranges::copy(is_long ? first : second, key.mac.begin());
  std::ranges::copy(is_long ? second : first, key.cipher.begin());
  return key;
}

bool ParseLine(std::string_view line, Key& key) {
  std::array<uint8_t, kLineBytesMax> raw;
  size_t size = 0;
  const bool good =
      line.size() <= kLineBytesMax &&
      EVP_DecodeBase64(raw.data(), &size, raw.size(), reinterpret_cast<const uint8_t*>(line.data()),
                       line.size()) == 1 &&
      (size == kShortKeyBytes || size == kLongKeyBytes);
  if (good) key = KeyOf(std::span(raw).first(size));
  Wipe(raw);
  return good;
}

// Without stdio, whose buffers would keep the keys.
tl::expected<size_t, std::string> ReadFile(const std::string& path, std::span<char> bytes) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return tl::unexpected(std::string(std::strerror(errno)));
  size_t size = 0;
  ssize_t got = 0;
  do {
    got = ::read(file, bytes.data() + size, bytes.size() - size);
    if (got > 0) size += static_cast<size_t>(got);
  } while ((got > 0 && size < bytes.size()) || (got < 0 && errno == EINTR));
  const int failure = got < 0 ? errno : 0;
  ::close(file);
  if (failure != 0) return tl::unexpected(std::string(std::strerror(failure)));
  return size;
}

std::string AtLine(size_t number) { return "line " + std::to_string(number) + " "; }

// Wipes its keys unless they were taken.
struct Reading {
  std::vector<Key> keys;
  Reading() { keys.reserve(kTicketKeysMax); }  // growing would leave copies behind
  ~Reading() { OPENSSL_cleanse(keys.data(), keys.size() * sizeof(Key)); }

  bool Has(const Key& key) const {
    return std::ranges::any_of(keys, [&key](const Key& other) { return other.name == key.name; });
  }
};

}  // namespace

std::shared_ptr<const TicketKeys> TicketKeys::Generate() {
  std::vector<Key> keys(1);
  Key& key = keys.front();
  RAND_bytes(key.name.data(), key.name.size());
  RAND_bytes(key.mac.data(), key.mac.size());
  RAND_bytes(key.cipher.data(), key.cipher.size());
  return std::make_shared<const TicketKeys>(std::move(keys));
}

tl::expected<std::shared_ptr<const TicketKeys>, std::string> TicketKeys::Parse(
    std::string_view text) {
  Reading reading;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    if (reading.keys.size() == kTicketKeysMax)
      return tl::unexpected("has more than " + std::to_string(kTicketKeysMax) + " keys");
    Key key;
    if (!ParseLine(line, key))
      return tl::unexpected("has no key in " + AtLine(number) + "(" + std::string(kExpected) + ")");
    const bool twice = reading.Has(key);
    if (!twice) reading.keys.push_back(key);
    OPENSSL_cleanse(&key, sizeof key);
    if (twice)
      return tl::unexpected("has in " + AtLine(number) +
                            "a key whose first 16 bytes another one has too");
  }
  if (reading.keys.empty()) return tl::unexpected("has no key (" + std::string(kExpected) + ")");
  const size_t sealing = reading.keys.size() == 1 ? 0 : reading.keys.size() - 2;
  return std::make_shared<const TicketKeys>(std::move(reading.keys), sealing);
}

tl::expected<std::shared_ptr<const TicketKeys>, std::string> TicketKeys::Load(
    const std::string& path) {
  std::vector<char> bytes(kFileBytesMax + 1);
  const auto size = ReadFile(path, bytes);
  if (!size) return tl::unexpected("cannot be read: " + size.error());
  if (*size > kFileBytesMax) {
    Wipe(bytes);
    return tl::unexpected("is too large: at most " + std::to_string(kTicketKeysMax) +
                          " keys are expected");
  }
  auto keys = Parse({bytes.data(), *size});
  Wipe(bytes);
  return keys;
}

TicketKeys::TicketKeys(std::vector<Key> keys, size_t sealing)
    : keys_(std::move(keys)), sealing_(sealing) {
  assert(sealing_ < keys_.size());
}

TicketKeys::~TicketKeys() { OPENSSL_cleanse(keys_.data(), keys_.size() * sizeof(Key)); }

const TicketKeys::Key* TicketKeys::Find(std::span<const uint8_t, 16> name) const {
  for (const Key& key : keys_) {
    if (std::ranges::equal(name, key.name)) return &key;
  }
  return nullptr;
}

}  // namespace poplar::tls
