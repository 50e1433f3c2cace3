#include "proxy/autoconfig/autodiscover_request.h"

#include <optional>

namespace poplar::autoconfig {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";
// In the name of the schema that Outlook can read; phones ask for another one (mobilesync).
constexpr std::string_view kOutlookSchema = "/outlook/responseschema/";

std::string_view Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

// The name in a start tag's inside, without its namespace prefix.
std::string_view LocalName(std::string_view tag) {
  const std::string_view name = tag.substr(0, tag.find_first_of(" \t\r\n/"));
  return name.substr(name.find(':') == std::string_view::npos ? 0 : name.find(':') + 1);
}

// The text of the first element of that name, up to the next tag; null: there is none.
std::optional<std::string_view> TextOf(std::string_view body, std::string_view element) {
  for (;;) {
    const size_t start = body.find('<');
    if (start == std::string_view::npos) return std::nullopt;
    body.remove_prefix(start + 1);
    const size_t end = body.find('>');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view tag = body.substr(0, end);
    body.remove_prefix(end + 1);
    if (LocalName(tag) != element) continue;
    const size_t next = body.find('<');
    if (next == std::string_view::npos) return std::nullopt;
    return tag.ends_with('/') ? std::string_view() : Trimmed(body.substr(0, next));
  }
}

}  // namespace

tl::expected<EmailAddress, AutodiscoverFault> ReadAutodiscoverRequest(std::string_view body) {
  const bool instructed = body.find("<?") != body.rfind("<?");  // besides the declaration
  if (instructed || body.find("<!") != std::string_view::npos)
    return tl::unexpected(AutodiscoverFault::kInvalidRequest);
  const auto schema = TextOf(body, "AcceptableResponseSchema");
  if (schema && schema->find(kOutlookSchema) == std::string_view::npos)
    return tl::unexpected(AutodiscoverFault::kUnknownSchema);
  const auto text = TextOf(body, "EMailAddress");
  if (!text || text->find('&') != std::string_view::npos)
    return tl::unexpected(AutodiscoverFault::kInvalidRequest);
  auto address = EmailAddress::Parse(*text);
  if (!address) return tl::unexpected(AutodiscoverFault::kInvalidRequest);
  return std::move(*address);
}

}  // namespace poplar::autoconfig
