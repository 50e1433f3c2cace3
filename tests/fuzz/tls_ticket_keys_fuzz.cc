#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "proxy/tls/ticket_keys.h"

// Any bytes as a file of ticket keys: what is taken has a key that seals and is found by its name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using poplar::tls::TicketKeys;
  const auto keys = TicketKeys::Parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!keys) {
    if (keys.error().empty()) std::abort();
    return 0;
  }
  const TicketKeys::Key& key = (*keys)->sealing();
  if ((*keys)->size() > poplar::tls::kTicketKeysMax || (*keys)->Find(key.name) != &key)
    std::abort();
  return 0;
}
