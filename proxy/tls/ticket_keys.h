#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace poplar::tls {

// A rotation has three; who keeps more rotates often. A longer file is none of keys.
inline constexpr size_t kTicketKeysMax = 16;

// The keys that seal session tickets, shared by all contexts, workers and reloads of a process, and
// by all Poplars that have the same file, so that a client resumes wherever it lands. Immutable;
// wiped when destroyed.
class TicketKeys {
 public:
  struct Key {
    std::array<uint8_t, 16> name{};
    std::array<uint8_t, 32> mac{};     // HMAC-SHA-256; its first `bytes`
    std::array<uint8_t, 32> cipher{};  // AES-CBC; likewise
    uint8_t bytes = 32;                // 16: AES-128; 32: AES-256
    friend bool operator==(const Key&, const Key&) = default;
  };

  // One fresh random key.
  static std::shared_ptr<const TicketKeys> Generate();

  // A line a key, base64 of 48 or 80 random bytes (`openssl rand -base64 80 | tr -d '\n'`), in the
  // order of their time: HAProxy's tls-ticket-keys. The last one is still to come: it opens what
  // others have sealed that were rotated a moment earlier. The one before it seals, and all open. A
  // single key does both. The error fits behind the file's name, and has nothing of a key in it.
  static tl::expected<std::shared_ptr<const TicketKeys>, std::string> Parse(std::string_view text);
  static tl::expected<std::shared_ptr<const TicketKeys>, std::string> Load(const std::string& path);

  // keys[sealing] seals new tickets; all open old ones, and a ticket of another one is renewed.
  explicit TicketKeys(std::vector<Key> keys, size_t sealing = 0);
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  size_t size() const { return keys_.size(); }
  const Key& sealing() const { return keys_[sealing_]; }
  // By the name in the ticket; null: not ours, or retired.
  const Key* Find(std::span<const uint8_t, 16> name) const;

 private:
  std::vector<Key> keys_;
  const size_t sealing_;
};

}  // namespace poplar::tls
