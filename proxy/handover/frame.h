#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace poplar::handover {

// What two processes say to each other at an upgrade, as bytes. One of the two is older than the
// other, by any number of versions and in either direction: what isn't known is skipped, and none
// of these numbers ever gets another meaning.
//
//   frame   kFormat (2 bytes), kind (2), fields
//   field   tag (2), length (4), that many bytes: a text, a number (8 bytes), or fields again
//
// All numbers with their least byte first.
inline constexpr uint16_t kFormat = 1;

enum class FrameKind : uint16_t {
  // The old process prepares the new one, and is answered kPrepared or kFailed.
  kSockets = 1,     // kSocket each, in the order of the descriptors that come along
  kTicketKeys = 2,  // in the file that comes along
  kPrepare = 3,     // that was all: get ready to serve
  kPrepared = 4,
  kFailed = 5,  // kText: why
  // The old process has stopped accepting, and is answered kServing or kFailed.
  kNodes = 6,  // kNode each
  kMoves = 7,  // kMove each
  kUsers = 8,  // kUser each: held on a node by sessions of the old process
  kServe = 9,
  kServing = 10,
  // From then on.
  kClaim = 11,     // kNumber, kUser: old to new
  kClaimed = 12,   // kNumber, kNode with its name: the answer; without a node: it may not be there
  kReleased = 13,  // kUser each: held no longer
  kSlots = 14,     // kNode each: connections that the old process has to it
};

enum class Tag : uint16_t {
  kText = 1,
  kNumber = 2,
  kSocket = 3,
  kNode = 4,
  kMove = 5,
  kUser = 6,
  kPurpose = 7,
  kName = 8,
  kCluster = 9,
  kAdminState = 10,
  kState = 11,
  kFailingSince = 12,
  kReturnedAt = 13,
  kEjectionsInRow = 14,
  kEjectionEnds = 15,
  kEjectionLength = 16,
  kNeedsLogin = 17,
  kPermille = 18,
  kHighest = 19,
  kCount = 20,
};

// Fields, one after the other.
class Fields {
 public:
  Fields& Text(Tag tag, std::string_view value);
  Fields& Number(Tag tag, uint64_t value);
  Fields& Nested(Tag tag, const Fields& fields) { return Text(tag, fields.bytes_); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

std::string FrameOf(FrameKind kind, const Fields& fields = {});
// As few frames as hold them all: a process has more users than a message has room.
std::vector<std::string> FramesOf(FrameKind kind, Tag tag, const std::vector<Fields>& records);

struct Field {
  Tag tag{};
  std::string_view value;

  uint64_t number() const;  // 0 where it is none
};

struct Frame {
  FrameKind kind{};
  std::vector<Field> fields;
};

// Null: that is no frame. What is returned points into `bytes`.
std::optional<Frame> ParseFrame(std::string_view bytes);
std::optional<std::vector<Field>> ParseFields(std::string_view bytes);

// The first of that tag; empty, or 0, where there is none.
std::string_view TextIn(const std::vector<Field>& fields, Tag tag);
uint64_t NumberIn(const std::vector<Field>& fields, Tag tag);

}  // namespace poplar::handover
