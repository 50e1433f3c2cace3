#include "proxy/shared_state/note.h"

#include <absl/strings/str_format.h>

#include <charconv>
#include <optional>

#include "proxy/shared_state/limits.h"

namespace poplar::shared_state {
namespace {

constexpr size_t kDigits = 16;
constexpr size_t kNoteBytes = 2 + kDigits + 1 + kDigits;

std::optional<uint64_t> ParseTag(std::string_view digits) {
  uint64_t tag = 0;
  const char* const end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), digits.data() + digits.size(), tag, 16);
  if (error != std::errc() || at != end) return std::nullopt;
  return tag;
}

std::optional<admission::PenaltyNote> ParseNote(std::string_view text) {
  if (text.size() != kNoteBytes || text[1] != ' ' || text[2 + kDigits] != ' ') return std::nullopt;
  if (text[0] != 'r' && text[0] != 'c') return std::nullopt;
  const auto address = ParseTag(text.substr(2, kDigits));
  const auto pair = ParseTag(text.substr(2 + kDigits + 1));
  // Zero stands for a free place.
  if (!address || !pair || *pair == 0 || (text[0] == 'r' && *address == 0)) return std::nullopt;
  return admission::PenaltyNote{.address = *address, .pair = *pair, .cleared = text[0] == 'c'};
}

}  // namespace

std::string RenderNotes(std::span<const admission::PenaltyNote> notes) {
  std::string text;
  for (const admission::PenaltyNote& note : notes) {
    if (!text.empty()) text.append(1, ';');
    absl::StrAppendFormat(&text, "%c %016x %016x", note.cleared ? 'c' : 'r', note.address,
                          note.pair);
  }
  return text;
}

std::vector<admission::PenaltyNote> ParseNotes(std::string_view text) {
  std::vector<admission::PenaltyNote> notes;
  while (!text.empty() && notes.size() < kNotesAtOnce) {
    const size_t end = text.find(';');
    if (const auto note = ParseNote(text.substr(0, end))) notes.push_back(*note);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return notes;
}

}  // namespace poplar::shared_state
