#pragma once

#include <cstddef>

#include "proxy/io/clock.h"

// Every bound on what the store, or whoever writes to it, can make this folder hold or wait for.
namespace poplar::shared_state {

// Of the store's answers that are not complete yet, in bytes.
inline constexpr size_t kAnswerBytesMax = size_t{16} * 1024 * 1024;

// Requests on their way at once; one more is answered as if the store were away. At 200 bytes each
// some megabytes.
inline constexpr size_t kRequestsMax = 20'000;

// A store that has said nothing for so long, while it was asked something, is given up.
inline constexpr io::Duration kSilenceMax = std::chrono::seconds(1);

// To connect, log in and load the scripts.
inline constexpr io::Duration kOpenMax = std::chrono::seconds(3);

// A store that was there and has closed the connection may only be starting again: logins wait for
// it so long, and not again before the interval is over.
inline constexpr io::Duration kReturnMax = std::chrono::seconds(1);
inline constexpr io::Duration kReturnInterval = std::chrono::seconds(10);

// Between tries to reach it; jittered.
inline constexpr io::Duration kRetryMin = std::chrono::milliseconds(100);
inline constexpr io::Duration kRetryMax = std::chrono::seconds(1);

// Of what one replica says of its nodes, or of what all agree on: a thousand nodes.
inline constexpr size_t kNodesMax = 2000;
inline constexpr size_t kNodeNameBytesMax = 160;

// Of an operator's word that was passed on.
inline constexpr size_t kWordBytesMax = 1024;

// Words and notes that wait for the store to come back; the oldest go first.
inline constexpr size_t kWordsMax = 1000;
inline constexpr size_t kNotesMax = 10'000;

// Notes on wrong passwords that are told together.
inline constexpr size_t kNotesAtOnce = 100;

// Claims on their way at once while all of them are made again.
inline constexpr size_t kReclaimsAtOnce = 500;

}  // namespace poplar::shared_state
