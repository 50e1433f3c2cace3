#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "proxy/pop3/listing_lines.h"

namespace poplar::account_probe {

// Reads the answer to LIST as it passes and keeps of it what a probe needs, however long it is.
class SizeListing {
 public:
  struct Message {
    uint32_t number = 0;
    uint64_t bytes = 0;
  };

  // The answer from its first byte on, terminator included, split anywhere.
  void Feed(std::string_view piece);

  // False: what came is no listing of messages 1, 2, 3 ... one after the other.
  bool valid() const { return stage_ != Stage::kInvalid; }
  uint64_t count() const { return count_; }
  const std::optional<Message>& smallest() const { return smallest_; }
  const std::optional<Message>& newest() const { return newest_; }

 private:
  enum class Stage : uint8_t { kStatus, kLines, kDone, kInvalid };

  Stage Read(std::string_view line);

  pop3::ListingLines lines_;
  Stage stage_ = Stage::kStatus;
  uint64_t count_ = 0;
  std::optional<Message> smallest_;
  std::optional<Message> newest_;
};

}  // namespace poplar::account_probe
