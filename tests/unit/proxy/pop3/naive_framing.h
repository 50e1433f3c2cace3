#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/pop3/limits.h"
#include "proxy/pop3/reply_framer.h"

// Framing as one would write it with the whole stream in hand: too slow and too greedy to use,
// simple enough to believe. Tests and fuzz targets compare the real thing against it.
namespace poplar::pop3::naive {

struct FramedReply {
  ReplyFramer::Fault fault = ReplyFramer::Fault::kNone;
  bool complete = false;
  bool status_known = false;
  bool ok = false;
  size_t size = 0;  // bytes of the complete reply
  uint64_t body_bytes = 0;
  std::string status_line;
};

// Whether a status line may go on from `begun`, which has no LF yet.
inline bool MayBecomeStatus(std::string_view begun) {
  if (std::string_view("+OK").starts_with(begun) || begun.starts_with("+OK")) return true;
  if (std::string_view("-ERR").starts_with(begun)) return true;
  return begun.starts_with("-ERR ") || begun.starts_with("-ERR\r");
}

inline FramedReply FrameReply(std::string_view stream, bool multi_line) {
  using Fault = ReplyFramer::Fault;
  FramedReply framed;
  const size_t newline = stream.substr(0, kReplyLineBytesMax).find('\n');
  if (newline == stream.npos) {
    const std::string_view begun = stream.substr(0, kReplyLineBytesMax);
    // "+\r" begins well, but no LF can make a status of it; the verdict then waits for the LF.
    const std::string_view text = begun.size() <= 4 ? begun.substr(0, begun.find('\r')) : begun;
    if (!MayBecomeStatus(text)) {
      framed.fault = Fault::kNotAStatusLine;
    } else if (begun.size() == kReplyLineBytesMax) {
      framed.fault = Fault::kStatusLineTooLong;
    }
    return framed;
  }
  std::string_view line = stream.substr(0, newline);
  const bool crlf = line.ends_with('\r');
  if (crlf) line.remove_suffix(1);
  framed.ok = line.starts_with("+OK");
  if (!framed.ok && line != "-ERR" && !line.starts_with("-ERR ")) {
    framed.fault = Fault::kNotAStatusLine;
    return framed;
  }
  framed.status_known = true;
  framed.status_line = line.substr(0, kStatusPrefixBytes);
  const size_t body = newline + 1;
  if (!framed.ok || !multi_line) {
    framed.complete = true;
    framed.size = body;
    return framed;
  }
  const size_t end = stream.find("\r\n.\r\n", crlf ? newline - 1 : body);
  if (end == stream.npos) return framed;
  framed.complete = true;
  framed.size = end + 5;
  framed.body_bytes = end + 2 - body;
  return framed;
}

// The lines of a stream as LineReader should tell them, "<too long>" for those over the limit; an
// unfinished last line is left out unless it is too long already.
inline std::vector<std::string> Lines(std::string_view stream, size_t max_bytes) {
  std::vector<std::string> lines;
  while (!stream.empty()) {
    const size_t newline = stream.find('\n');
    const bool ends = newline != stream.npos;
    std::string_view line = stream.substr(0, ends ? newline + 1 : stream.size());
    stream.remove_prefix(line.size());
    if (line.size() > max_bytes || (!ends && line.size() == max_bytes)) {
      lines.emplace_back("<too long>");
    } else if (ends) {
      line.remove_suffix(1);
      if (line.ends_with('\r')) line.remove_suffix(1);
      lines.emplace_back(line);
    }
  }
  return lines;
}

}  // namespace poplar::pop3::naive
