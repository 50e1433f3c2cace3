#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace poplar::tls {

// The keys that seal session tickets, shared by all contexts, workers and reloads of a process, so
// that a client resumes wherever it lands. Immutable; wiped when destroyed.
class TicketKeys {
 public:
  // 48 bytes: name (16), HMAC-SHA-256 key (16), AES-128 key (16); the field's usual form.
  static constexpr size_t kKeyBytes = 48;
  using Key = std::array<uint8_t, kKeyBytes>;

  // One fresh random key.
  static std::shared_ptr<const TicketKeys> Generate();

  // The first seals new tickets; all open old ones, and a ticket of another than the first is
  // renewed. Not empty.
  explicit TicketKeys(std::vector<Key> keys);
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  const Key& sealing() const { return keys_.front(); }
  // By the name in the ticket; null: not ours, or retired.
  const Key* Find(std::span<const uint8_t, 16> name) const;

 private:
  std::vector<Key> keys_;
};

}  // namespace poplar::tls
