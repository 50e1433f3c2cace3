#include "metrics/json.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace poplar::metrics {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// The lead bytes from `first` to `last` of a well-formed sequence of `bytes` bytes, and the bounds
// of its second byte (Unicode 15, table 3-7); any further byte is 80..BF.
struct Sequence {
  uint8_t first, last, bytes, second_min, second_max;
};
constexpr std::array<Sequence, 9> kSequences = {{{0x00, 0x7F, 1, 0, 0},
                                                 {0xC2, 0xDF, 2, 0x80, 0xBF},
                                                 {0xE0, 0xE0, 3, 0xA0, 0xBF},
                                                 {0xE1, 0xEC, 3, 0x80, 0xBF},
                                                 {0xED, 0xED, 3, 0x80, 0x9F},
                                                 {0xEE, 0xEF, 3, 0x80, 0xBF},
                                                 {0xF0, 0xF0, 4, 0x90, 0xBF},
                                                 {0xF1, 0xF3, 4, 0x80, 0xBF},
                                                 {0xF4, 0xF4, 4, 0x80, 0x8F}}};

uint8_t ByteAt(std::string_view text, size_t at) { return static_cast<uint8_t>(text[at]); }

// Bytes of the character that `text` starts with; 0: not well formed. `text` is not empty.
size_t CharacterBytes(std::string_view text) {
  for (const Sequence& sequence : kSequences) {
    if (ByteAt(text, 0) < sequence.first || ByteAt(text, 0) > sequence.last) continue;
    if (sequence.bytes > text.size()) return 0;
    if (sequence.bytes == 1) return 1;
    if (ByteAt(text, 1) < sequence.second_min || ByteAt(text, 1) > sequence.second_max) return 0;
    for (size_t i = 2; i < sequence.bytes; ++i) {
      if (ByteAt(text, i) < 0x80 || ByteAt(text, i) > 0xBF) return 0;
    }
    return sequence.bytes;
  }
  return 0;
}

void AppendCharacter(std::string& out, std::string_view character) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const uint8_t byte = ByteAt(character, 0);
  if (byte == '"' || byte == '\\') {
    out.append(1, '\\').append(character);
  } else if (byte < 0x20) {
    out.append("\\u00").append(1, kHex[byte >> 4]).append(1, kHex[byte & 0xF]);
  } else {
    out.append(character);
  }
}

}  // namespace

std::string JsonString(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const size_t bytes = CharacterBytes(text);
    if (bytes == 0) {
      out.append(kReplacement);
    } else {
      AppendCharacter(out, text.substr(0, bytes));
    }
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  return out.append(1, '"');
}

std::string JsonReal(double value) {
  constexpr double kDigits = 1e6;
  std::array<char, 400> text;  // of the largest double
  const auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(), std::round(value * kDigits) / kDigits,
                    std::chars_format::fixed);
  return error == std::errc() ? std::string(text.data(), end) : "0";
}

}  // namespace poplar::metrics
