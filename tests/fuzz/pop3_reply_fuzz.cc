#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "proxy/pop3/node_login.h"
#include "proxy/pop3/reply.h"
#include "proxy/pop3/reply_framer.h"
#include "tests/unit/proxy/pop3/naive_framing.h"

// A node's bytes, split as the first byte says, through ReplyFramer: reply after reply, each must
// end where the naive framer ends it. The second byte's bits say which replies are multi-line.
namespace {

using poplar::pop3::ReplyFramer;

void Require(bool holds) {
  if (!holds) std::abort();
}

// Gives the bytes of the next reply, 0 when the stream or the framer's faith in it ends.
size_t FrameOne(ReplyFramer* framer, std::string_view stream, bool multi_line, size_t piece_bytes) {
  const auto expected = poplar::pop3::naive::FrameReply(stream, multi_line);
  framer->Expect(multi_line);
  size_t at = 0;
  bool complete = false;
  while (at < stream.size() && !complete && framer->fault() == ReplyFramer::Fault::kNone) {
    const std::string piece(stream.substr(at, piece_bytes));
    const ReplyFramer::Step step = framer->Feed(piece);
    Require(step.consumed <= piece.size());
    at += step.consumed;
    complete = step.complete;
  }
  Require(framer->fault() == expected.fault);
  if (expected.fault != ReplyFramer::Fault::kNone) return 0;
  Require(complete == expected.complete);
  Require(framer->status_known() == expected.status_known);
  Require(framer->ok() == (expected.status_known && expected.ok));
  Require(framer->status_line() == expected.status_line);
  if (!complete) return 0;
  Require(at == expected.size);
  Require(framer->body_bytes() == expected.body_bytes);
  Require(poplar::pop3::ParseReply(framer->status_line()).has_value());
  return at;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const size_t piece_bytes = data[0] == 255 ? size : 1 + data[0] % 80;
  const uint8_t multi_line = data[1];
  const std::string stream(data + 2, data + size);
  (void)poplar::pop3::ParseGreeting(stream);

  ReplyFramer framer;
  std::string_view rest = stream;
  for (size_t reply = 0; !rest.empty(); ++reply) {
    const size_t bytes = FrameOne(&framer, rest, (multi_line >> reply % 8 & 1) != 0, piece_bytes);
    if (bytes == 0) break;
    rest.remove_prefix(bytes);
  }
  return 0;
}
