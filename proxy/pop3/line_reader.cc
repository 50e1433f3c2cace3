#include "proxy/pop3/line_reader.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "proxy/pop3/secret.h"

namespace poplar::pop3 {
namespace {

// Most lines end within it.
constexpr size_t kFirstCarryBytes = 256;

std::string_view WithoutLineEnd(std::string_view line) {
  line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

LineReader::LineReader(size_t max_bytes) : max_bytes_(static_cast<uint32_t>(max_bytes)) {
  assert(max_bytes >= 2 && max_bytes <= UINT32_MAX);
}

void LineReader::SetLimit(size_t max_bytes) {
  assert(max_bytes >= 2 && max_bytes <= UINT32_MAX);
  max_bytes_ = static_cast<uint32_t>(max_bytes);
}

void LineReader::Discard() {
  ReleaseCarry();
  unread_ = {};
  skipping_ = false;
}

void LineReader::Feed(std::string_view bytes) {
  assert(unread_.empty());
  if (carry_read_) ReleaseCarry();
  unread_ = bytes;
}

LineReader::Event LineReader::Next(std::string_view* line) {
  if (carry_read_) ReleaseCarry();
  if (skipping_ && SkipLine() == Event::kNeedMore) return Event::kNeedMore;
  if (unread_.empty()) return Event::kNeedMore;

  const size_t room = max_bytes_ - std::min(carried_, max_bytes_);
  const std::string_view window = unread_.substr(0, room);
  const size_t newline = window.find('\n');
  if (newline == window.npos) {
    if (window.size() == room) {
      unread_.remove_prefix(room);
      ReleaseCarry();
      skipping_ = true;
      return Event::kTooLong;
    }
    AppendToCarry(window);
    unread_ = {};
    return Event::kNeedMore;
  }

  const std::string_view piece = window.substr(0, newline + 1);
  unread_.remove_prefix(piece.size());
  if (carried_ == 0) {
    *line = WithoutLineEnd(piece);
    return Event::kLine;
  }
  AppendToCarry(piece);
  carry_read_ = true;
  *line = WithoutLineEnd({carry_, carried_});
  return Event::kLine;
}

std::string_view LineReader::TakeRest() {
  assert(!mid_line());
  ReleaseCarry();
  const std::string_view rest = unread_;
  unread_ = {};
  return rest;
}

LineReader::Event LineReader::SkipLine() {
  const size_t newline = unread_.find('\n');
  if (newline == unread_.npos) {
    unread_ = {};
    return Event::kNeedMore;
  }
  unread_.remove_prefix(newline + 1);
  skipping_ = false;
  return Event::kLine;
}

void LineReader::AppendToCarry(std::string_view piece) {
  if (carried_ + piece.size() > carry_bytes_) {
    const size_t wanted =
        std::max({kFirstCarryBytes, size_t{2} * carry_bytes_, carried_ + piece.size()});
    auto* larger = new char[wanted];
    if (carried_ > 0) std::memcpy(larger, carry_, carried_);
    const uint32_t carried = carried_;
    ReleaseCarry();
    carry_ = larger;
    carry_bytes_ = static_cast<uint32_t>(wanted);
    carried_ = carried;
  }
  std::memcpy(carry_ + carried_, piece.data(), piece.size());
  carried_ += static_cast<uint32_t>(piece.size());
}

void LineReader::ReleaseCarry() {
  if (carry_ == nullptr) return;
  Wipe(carry_, carried_);
  delete[] carry_;
  carry_ = nullptr;
  carry_bytes_ = 0;
  carried_ = 0;
  carry_read_ = false;
}

}  // namespace poplar::pop3
