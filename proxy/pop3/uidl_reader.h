#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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
  // kViewMessagesMax: no other can be taken for the whole view.
  bool valid() const;
  // The whole lines that came so far: the message of number n is at n - 1.
  const std::vector<uint64_t>& hashes() const { return hashes_; }
  std::vector<uint64_t> Take();

 private:
  uint64_t key_;
  std::vector<uint64_t> hashes_;
};

}  // namespace poplar::pop3
