#include "metrics/html.h"

#include <cstddef>

namespace poplar::metrics {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
}

}  // namespace

std::string HtmlText(std::string_view text) {
  std::string html;
  html.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        html.append("&amp;");
        break;
      case '<':
        html.append("&lt;");
        break;
      case '>':
        html.append("&gt;");
        break;
      case '"':
        html.append("&quot;");
        break;
      case '\'':
        html.append("&#39;");
        break;
      default:
        if (IsControl(c)) {
          html.append(kReplacement);
        } else {
          html.push_back(c);
        }
    }
  }
  return html;
}

std::string HtmlValues::Fill(std::string_view html) const {
  constexpr std::string_view kOpen = "{{";
  constexpr std::string_view kClose = "}}";
  std::string filled;
  while (true) {
    const size_t open = html.find(kOpen);
    const size_t close = open == html.npos ? html.npos : html.find(kClose, open);
    if (close == html.npos) return filled.append(html);
    const size_t behind = close + kClose.size();
    const auto found = values_.find(html.substr(open + kOpen.size(), close - open - kOpen.size()));
    filled.append(html.substr(0, open));
    filled.append(found == values_.end() ? html.substr(open, behind - open)
                                         : std::string_view(found->second));
    html.remove_prefix(behind);
  }
}

}  // namespace poplar::metrics
