#include "proxy/account_probe/size_listing.h"

#include <charconv>

#include "proxy/pop3/reply.h"

namespace poplar::account_probe {

void SizeListing::Feed(std::string_view piece) {
  while (valid() && !piece.empty()) {
    std::string_view line;
    const pop3::ListingLines::Event event = lines_.Next(&piece, &line);
    if (event == pop3::ListingLines::Event::kNeedMore) return;
    stage_ = event == pop3::ListingLines::Event::kLine ? Read(line) : Stage::kInvalid;
  }
}

SizeListing::Stage SizeListing::Read(std::string_view line) {
  if (stage_ == Stage::kStatus) {
    const auto reply = pop3::ParseReply(line);
    if (!reply) return Stage::kInvalid;
    return reply->ok ? Stage::kLines : Stage::kDone;
  }
  if (stage_ == Stage::kDone) return Stage::kInvalid;
  if (line == ".") return Stage::kDone;
  const auto parsed = pop3::ParseListingLine(line);
  if (!parsed || parsed->number != count_ + 1) return Stage::kInvalid;
  // RFC 1939 section 5 lets more follow behind the size.
  const std::string_view digits = parsed->rest.substr(0, parsed->rest.find_first_of(" \t"));
  Message message{.number = parsed->number};
  const auto [end, fault] =
      std::from_chars(digits.data(), digits.data() + digits.size(), message.bytes);
  if (fault != std::errc() || end != digits.data() + digits.size()) return Stage::kInvalid;
  ++count_;
  newest_ = message;
  if (!smallest_ || message.bytes < smallest_->bytes) smallest_ = message;
  return Stage::kLines;
}

}  // namespace poplar::account_probe
