#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace poplar::admission {

// Why a connection isn't served: the metric's label and the log's word.
enum class Refusal : uint8_t {
  kSessions,                // all that the process may have
  kDenied,                  // by an access list
  kRate,                    // of new connections, all together
  kAddressRate,             // of the address
  kAddressConnections,      // it has too many
  kNetworkConnections,      // its network has
  kAddressUnauthenticated,  // it has too many that are not logged in
  kUnauthenticated,         // there are too many of these, and none would give way
};

inline constexpr std::array<std::string_view, 8> kRefusals = {"limit",
                                                              "denied",
                                                              "rate",
                                                              "address_rate",
                                                              "address_limit",
                                                              "network_limit",
                                                              "address_unauthenticated",
                                                              "unauthenticated"};

constexpr std::string_view Name(Refusal refusal) { return kRefusals[static_cast<size_t>(refusal)]; }

}  // namespace poplar::admission
