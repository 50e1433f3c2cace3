#include "proxy/pop3/listing_filter.h"

#include <charconv>

#include "proxy/pop3/reply.h"

namespace poplar::pop3 {
namespace {

void AppendMessage(uint32_t number, std::string_view rest, std::string* out) {
  char digits[10];
  const auto written = std::to_chars(digits, digits + sizeof(digits), number);
  out->append(digits, static_cast<size_t>(written.ptr - digits));
  out->append(" ").append(rest).append("\r\n");
}

// 0 for what is no size: the rest of a line may be a unique id.
uint64_t SizeOf(std::string_view rest) {
  uint64_t octets = 0;
  const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), octets);
  return parsed.ec == std::errc{} ? octets : 0;
}

}  // namespace

bool ListingFilter::Feed(std::string_view piece, std::string* out) {
  while (stage_ != Stage::kBroken && !piece.empty()) {
    std::string_view line;
    const ListingLines::Event event = lines_.Next(&piece, &line);
    if (event == ListingLines::Event::kNeedMore) break;
    stage_ = event == ListingLines::Event::kLine ? Pass(line, out) : Stage::kBroken;
  }
  return stage_ != Stage::kBroken;
}

ListingFilter::Stage ListingFilter::Pass(std::string_view line, std::string* out) {
  if (stage_ == Stage::kStatus) {
    const auto reply = ParseReply(line);
    if (!reply || !reply->ok) return Stage::kBroken;
    out->append("+OK\r\n");
    return Stage::kLines;
  }
  if (stage_ == Stage::kDone) return Stage::kBroken;
  if (line == ".") {
    out->append(".\r\n");
    return Stage::kDone;
  }
  const auto message = ParseListingLine(line);
  if (!message) return Stage::kBroken;
  const uint32_t own = view_.OwnOf(message->number);
  if (own == 0) return Stage::kLines;
  ++count_;
  octets_ += SizeOf(message->rest);
  AppendMessage(own, message->rest, out);
  return Stage::kLines;
}

std::string FilterListingLine(std::string_view status_line, const MaildropView& view) {
  constexpr std::string_view kOk = "+OK ";
  std::string out;
  if (status_line.starts_with(kOk)) {
    const auto message = ParseListingLine(status_line.substr(kOk.size()));
    const uint32_t own = message ? view.OwnOf(message->number) : 0;
    if (own != 0) {
      out = kOk;
      AppendMessage(own, message->rest, &out);
      return out;
    }
  }
  return out.append(status_line).append("\r\n");
}

}  // namespace poplar::pop3
