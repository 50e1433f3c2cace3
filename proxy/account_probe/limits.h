#pragma once

#include <cstddef>

// Every bound on what a server can make a probe hold or show, in one place.
namespace poplar::account_probe {

// Addresses that are tried, of all hosts together.
inline constexpr size_t kAddressesTriedMax = 8;

// Targets of an SRV answer that are looked up.
inline constexpr size_t kTargetsTriedMax = 4;

// First bytes of a server that are kept to recognise what speaks there.
inline constexpr size_t kFirstBytesMax = 128;

// Bytes of a server's words that are shown.
inline constexpr size_t kShownBytesMax = 200;

// Certificates of a chain that are shown.
inline constexpr size_t kChainShownMax = 8;

// Bytes of a LIST or UIDL answer: kViewMessagesMax lines of 100 bytes, generously.
inline constexpr size_t kListingBytesMax = size_t{20} * 1000 * 1000;

// Bytes by which a message may be larger than LIST has it: servers count line ends differently.
inline constexpr size_t kMessageSlackBytes = size_t{64} * 1024;

}  // namespace poplar::account_probe
