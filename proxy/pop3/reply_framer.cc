#include "proxy/pop3/reply_framer.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <cstring>

#include "proxy/pop3/reply.h"

namespace poplar::pop3 {
namespace {

constexpr size_t kTerminatorBytes = 3;  // its first CRLF belongs to the line before

// What the compiler turns into a vector register's worth of work, whatever the machine.
using Lane = unsigned char __attribute__((vector_size(16)));
using Matches = decltype(Lane{} == Lane{});

Lane Load(const char* from) {
  Lane lane;
  std::memcpy(&lane, from, sizeof(lane));
  return lane;
}

bool Any(Matches matches) {
  std::array<uint64_t, 2> halves;
  std::memcpy(halves.data(), &matches, sizeof(matches));
  return (halves[0] | halves[1]) != 0;
}

// Where `text` holds LF "." or npos. Only dot-stuffed lines and the terminator have that, so the
// caller's slow look is rare, whatever the mail. The look at a block has no early exit: memchr for
// one of the two bytes would lose to it on lines or dots aplenty. In lanes by hand, because what
// compilers make of the plain loop takes three times as many instructions.
size_t FindLfDot(std::string_view text) {
  constexpr size_t kBlock = 4 * sizeof(Lane);
  const Lane line_feed = Lane{} + static_cast<unsigned char>('\n');
  const Lane dot = Lane{} + static_cast<unsigned char>('.');
  size_t at = 0;
  for (; at + kBlock < text.size(); at += kBlock) {
    const char* const block = text.data() + at;
    Matches found{};
    for (size_t i = 0; i < kBlock; i += sizeof(Lane))
      found |= (Load(block + i) == line_feed) & (Load(block + i + 1) == dot);
    if (Any(found)) break;
  }
  return text.find("\n.", at);
}

}  // namespace

void ReplyFramer::Expect(bool multi_line) {
  assert(stage_ == Stage::kIdle || stage_ == Stage::kDone);
  assert(fault_ == Fault::kNone);
  stage_ = Stage::kStatus;
  seen_ = Seen::kNothing;
  multi_line_ = multi_line;
  body_bytes_ = 0;
  status_size_ = 0;
  prefix_size_ = 0;
}

ReplyFramer::Step ReplyFramer::Feed(std::string_view bytes) {
  if (fault_ != Fault::kNone) return {};
  assert(stage_ == Stage::kStatus || stage_ == Stage::kBody);
  if (stage_ == Stage::kBody) return FeedBody(bytes);

  Step step = FeedStatus(bytes);
  if (stage_ != Stage::kBody) return step;
  const Step body = FeedBody(bytes.substr(step.consumed));
  return {.consumed = step.consumed + body.consumed, .complete = body.complete};
}

std::string_view ReplyFramer::status_line() const {
  return status_known() ? std::string_view(status_.data(), prefix_size_) : std::string_view();
}

ReplyFramer::Step ReplyFramer::FeedStatus(std::string_view bytes) {
  const std::string_view window = bytes.substr(0, kReplyLineBytesMax - status_size_);
  const size_t newline = window.find('\n');
  const bool ends = newline != window.npos;
  const std::string_view piece = window.substr(0, ends ? newline + 1 : window.size());
  if (piece.empty()) return {};

  KeepPrefix(piece);
  status_size_ += static_cast<uint32_t>(piece.size());
  if (!StatusStillPossible()) return Fail(Fault::kNotAStatusLine);
  if (ends) {
    if (!EndStatus()) return Fail(Fault::kNotAStatusLine);
    return {.consumed = piece.size(), .complete = stage_ == Stage::kDone};
  }
  if (status_size_ == kReplyLineBytesMax) return Fail(Fault::kStatusLineTooLong);
  return {.consumed = piece.size(), .complete = false};
}

// Keeps what fits, and in seen_ whether the last byte before the LF is a CR, wherever the line was
// split.
void ReplyFramer::KeepPrefix(std::string_view piece) {
  const size_t kept = std::min(piece.size(), kStatusPrefixBytes - prefix_size_);
  std::copy_n(piece.begin(), kept, status_.begin() + prefix_size_);
  prefix_size_ += static_cast<uint8_t>(kept);

  const bool ends = piece.back() == '\n';
  const std::string_view text = piece.substr(0, piece.size() - (ends ? 1 : 0));
  if (!text.empty()) seen_ = text.back() == '\r' ? Seen::kCr : Seen::kNothing;
}

// Early, so that not one byte of a web server's greeting is relayed in the place of a reply.
bool ReplyFramer::StatusStillPossible() const {
  constexpr std::string_view kOk = "+OK";
  constexpr std::string_view kErr = "-ERR";
  const std::string_view prefix(status_.data(), prefix_size_);
  if (prefix.size() <= kErr.size()) {
    const std::string_view status = prefix.substr(0, prefix.find_first_of("\r\n"));
    return kOk.starts_with(status.substr(0, kOk.size())) || kErr.starts_with(status);
  }
  if (prefix.starts_with(kOk)) return true;
  const char behind = prefix[kErr.size()];
  return prefix.starts_with(kErr) && (behind == ' ' || behind == '\r' || behind == '\n');
}

bool ReplyFramer::EndStatus() {
  const size_t end_bytes = seen_ == Seen::kCr ? 2 : 1;
  prefix_size_ = static_cast<uint8_t>(std::min<size_t>(prefix_size_, status_size_ - end_bytes));
  const auto reply = ParseReply({status_.data(), prefix_size_});
  if (!reply) return false;
  stage_ = multi_line_ && reply->ok ? Stage::kBody : Stage::kDone;
  seen_ = seen_ == Seen::kCr ? Seen::kCrLf : Seen::kNothing;
  return true;
}

ReplyFramer::Step ReplyFramer::FeedBody(std::string_view bytes) {
  size_t at = 0;
  while (at < bytes.size()) {
    if (seen_ == Seen::kNothing) {
      // No terminator begins before the CR in front of the next LF "."; if there is none, its
      // beginning can at most be the CR LF at the very end.
      const size_t lf_dot = FindLfDot(bytes.substr(at));
      const size_t skip_to = lf_dot == bytes.npos ? bytes.size() - std::min<size_t>(2, bytes.size())
                                                  : at + lf_dot - std::min<size_t>(1, lf_dot);
      at = std::max(at, skip_to);
    }
    const char c = bytes[at++];
    if (seen_ == Seen::kCrLfDotCr && c == '\n') {
      stage_ = Stage::kDone;
      body_bytes_ = body_bytes_ + at - kTerminatorBytes;
      return {.consumed = at, .complete = true};
    }
    if (c == '\r') {
      seen_ = seen_ == Seen::kCrLfDot ? Seen::kCrLfDotCr : Seen::kCr;
    } else if (c == '\n' && seen_ == Seen::kCr) {
      seen_ = Seen::kCrLf;
    } else if (c == '.' && seen_ == Seen::kCrLf) {
      seen_ = Seen::kCrLfDot;
    } else {
      seen_ = Seen::kNothing;
    }
  }
  body_bytes_ += at;
  return {.consumed = at, .complete = false};
}

ReplyFramer::Step ReplyFramer::Fail(Fault fault) {
  fault_ = fault;
  return {};
}

}  // namespace poplar::pop3
