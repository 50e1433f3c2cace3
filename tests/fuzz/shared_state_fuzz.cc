#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/shared_state/agreement_text.h"
#include "proxy/shared_state/limits.h"
#include "proxy/shared_state/note.h"
#include "proxy/shared_state/reply.h"
#include "proxy/shared_state/word.h"

// What the store answers, and what other replicas have written there: it is the same however it was
// cut up on its way, what is read of it is within the bounds, and is read again from what is
// written of it.
namespace {

using namespace poplar::shared_state;

void Require(bool holds) {
  if (!holds) std::abort();
}

std::string TextOf(const Reply& reply) {
  std::string text = std::to_string(static_cast<int>(reply.kind)) + " " +
                     std::to_string(reply.number) + " " + reply.text + "(";
  for (const auto& each : reply.list) text += TextOf(*each);
  return text + ")";
}

// All replies, and whether the end was nonsense.
std::string ReadAll(std::string_view bytes, size_t part) {
  ReplyReader reader;
  std::string text;
  while (!bytes.empty()) {
    const std::string_view now = bytes.substr(0, part);
    bytes.remove_prefix(now.size());
    if (!reader.Feed(now)) return text + "too long";
    for (;;) {
      const auto reply = reader.Next();
      if (!reply) return text + "nonsense";
      if (*reply == nullptr) break;
      text += TextOf(**reply);
    }
  }
  return text;
}

void CheckTexts(std::string_view text) {
  const Agreements agreements = ParseAgreements(text);
  Require(agreements.size() <= kNodesMax);
  const Agreements again = ParseAgreements(RenderAgreements(agreements));
  Require(again.size() == agreements.size());
  if (const auto votes = ParseVotes(text)) Require(votes->size() <= kNodesMax);
  if (const auto word = ParseWord(text)) {
    Require(ParseWord(RenderWord(*word)) == word);
    Require(SettingOf(*word).size() <= kWordBytesMax);
  }
  const auto notes = ParseNotes(text);
  Require(notes.size() <= kNotesAtOnce && ParseNotes(RenderNotes(notes)) == notes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = ReadAll(bytes, size + 1);
  Require(ReadAll(bytes, 1) == whole);
  Require(ReadAll(bytes, 7) == whole);
  CheckTexts(bytes);
  return 0;
}
