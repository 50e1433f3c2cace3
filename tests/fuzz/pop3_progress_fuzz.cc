#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "proxy/pop3/reply_progress.h"

// An answer that is cut off, repeated, cut off again and repeated, through ReplyProgress. The first
// five bytes say how it is split, where it is cut both times, and which byte of the last repetition
// is changed; the rest is the answer's body.
namespace {

using poplar::pop3::ReplyProgress;

constexpr std::string_view kStatus = "+OK 7 octets\r\n";
constexpr std::string_view kOtherStatus = "+OK\r\n";

void Require(bool holds) {
  if (!holds) std::abort();
}

// What the client gets of the repeated answer; nothing once it is refused.
std::optional<std::string> Repeat(ReplyProgress* progress, std::string_view answer,
                                  size_t piece_bytes) {
  std::string got;
  progress->BeginRepeat();
  for (size_t at = 0; at < answer.size(); at += piece_bytes) {
    const auto more = progress->Repeat(std::string(answer.substr(at, piece_bytes)));
    if (!more) {
      Require(got.empty() && !progress->caught_up());
      return std::nullopt;
    }
    Require(more->empty() || progress->caught_up());
    got +=
        answer.substr(at + std::min(piece_bytes, answer.size() - at) - more->size(), more->size());
  }
  return got;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 6) return 0;
  const size_t sent_piece = 1 + data[0] % 16 * 37;
  const size_t repeat_piece = 1 + data[0] / 16 * 29;
  const std::string body(data + 5, data + size);
  const size_t first_cut = data[1] * body.size() / 255;
  const size_t second_cut = data[2] * body.size() / 255;
  const size_t changed = data[3] * (body.size() - 1) / 255;

  ReplyProgress progress;
  progress.Begin();
  std::string client(body.substr(0, first_cut));
  const std::string sent = std::string(kStatus) + client;
  for (size_t at = 0; at < sent.size(); at += sent_piece) {
    progress.Sent(sent.substr(at, sent_piece));
  }

  // Only as far as the second cut, which may come before the first.
  const auto more =
      Repeat(&progress, std::string(kOtherStatus) + body.substr(0, second_cut), repeat_piece);
  Require(more.has_value());
  Require(progress.caught_up() == (second_cut >= first_cut));
  client += *more;
  Require(client == body.substr(0, std::max(first_cut, second_cut)));

  std::string again = body;
  again[changed] = static_cast<char>(again[changed] ^ (data[4] | 1));
  const auto rest = Repeat(&progress, std::string(kStatus) + again, sent_piece);
  Require(rest.has_value() == (changed >= client.size()));
  if (rest) {
    Require(*rest == again.substr(client.size()));
    return 0;
  }
  // The right one may still come.
  const auto last = Repeat(&progress, std::string(kStatus) + body, repeat_piece);
  Require(last && client + *last == body);
  return 0;
}
