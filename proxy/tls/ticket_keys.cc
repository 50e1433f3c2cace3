#include "proxy/tls/ticket_keys.h"

#include <openssl/mem.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cassert>
#include <utility>

namespace poplar::tls {

std::shared_ptr<const TicketKeys> TicketKeys::Generate() {
  std::vector<Key> keys(1);
  RAND_bytes(keys.front().data(), keys.front().size());
  return std::make_shared<const TicketKeys>(std::move(keys));
}

TicketKeys::TicketKeys(std::vector<Key> keys) : keys_(std::move(keys)) { assert(!keys_.empty()); }

TicketKeys::~TicketKeys() { OPENSSL_cleanse(keys_.data(), keys_.size() * sizeof(Key)); }

const TicketKeys::Key* TicketKeys::Find(std::span<const uint8_t, 16> name) const {
  for (const Key& key : keys_) {
    if (std::ranges::equal(name, std::span(key).first<16>())) return &key;
  }
  return nullptr;
}

}  // namespace poplar::tls
