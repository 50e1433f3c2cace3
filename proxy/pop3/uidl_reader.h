#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "proxy/pop3/listing_lines.h"

namespace poplar::pop3 {

// Reads the answer to UIDL as it passes, and keeps of each message a 64-bit hash of its unique id:
// enough to recognise the message in another listing of the same maildrop.
class UidlReader {
 public:
  // `key`: random, one for the process, so that no server's ids collide by design.
  explicit UidlReader(uint64_t key) : key_(key) {}

  // The answer from its first byte on, terminator included, split anywhere.
  void Feed(std::string_view piece);

  // Whether what came so far is a listing of messages 1, 2, 3 ... one after the other, of at most
  // kViewMessagesMax: no other can be taken for the whole view. A reader that isn't valid any more
  // never will be, and has forgotten what it read.
  bool valid() const { return stage_ != Stage::kInvalid; }
  // Whether the terminator has come.
  bool whole() const { return stage_ == Stage::kDone; }
  // The whole lines that came so far: the message of number n is at n - 1.
  const std::vector<uint64_t>& hashes() const { return hashes_; }
  // The same, for keeps: no larger than it must be. Ends the reader's use.
  std::vector<uint64_t> Take();

 private:
  enum class Stage : uint8_t { kStatus, kLines, kDone, kInvalid };

  Stage Read(std::string_view line);

  uint64_t key_;
  std::vector<uint64_t> hashes_;
  ListingLines lines_;
  Stage stage_ = Stage::kStatus;
};

}  // namespace poplar::pop3
