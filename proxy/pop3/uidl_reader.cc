#include "proxy/pop3/uidl_reader.h"

#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "proxy/pop3/limits.h"
#include "proxy/pop3/reply.h"

namespace poplar::pop3 {

void UidlReader::Feed(std::string_view piece) {
  while (valid() && !piece.empty()) {
    std::string_view line;
    const ListingLines::Event event = lines_.Next(&piece, &line);
    if (event == ListingLines::Event::kNeedMore) return;
    stage_ = event == ListingLines::Event::kLine ? Read(line) : Stage::kInvalid;
  }
  if (!valid()) std::vector<uint64_t>().swap(hashes_);
}

std::vector<uint64_t> UidlReader::Take() {
  hashes_.shrink_to_fit();
  return std::exchange(hashes_, {});
}

UidlReader::Stage UidlReader::Read(std::string_view line) {
  if (stage_ == Stage::kStatus) {
    const auto reply = ParseReply(line);
    return reply && reply->ok ? Stage::kLines : Stage::kInvalid;
  }
  if (stage_ == Stage::kDone) return Stage::kInvalid;
  if (line == ".") return Stage::kDone;

  const auto message = ParseListingLine(line);
  if (!message || message->number != hashes_.size() + 1) return Stage::kInvalid;
  if (hashes_.size() == kViewMessagesMax) return Stage::kInvalid;
  const std::string_view id = message->rest.substr(0, message->rest.find_last_not_of(" \t") + 1);
  if (id.find_first_of(" \t") != std::string_view::npos) return Stage::kInvalid;
  hashes_.push_back(XXH3_64bits_withSeed(id.data(), id.size(), key_));
  return Stage::kLines;
}

}  // namespace poplar::pop3
