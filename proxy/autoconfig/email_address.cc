#include "proxy/autoconfig/email_address.h"

#include <algorithm>

#include "proxy/autoconfig/limits.h"
#include "proxy/pop3/ascii.h"

namespace poplar::autoconfig {
namespace {

constexpr size_t kLabelBytesMax = 63;
constexpr std::string_view kAtomMarks = "!#$%&'*+-/=?^_`{|}~";

bool IsAtomCharacter(char c) {
  return pop3::IsLetterOrDigit(c) || kAtomMarks.find(c) != std::string_view::npos;
}

// Dots only between others.
template <class Predicate>
bool IsDotted(std::string_view text, size_t part_bytes_max, Predicate fits) {
  for (;;) {
    const size_t end = std::min(text.find('.'), text.size());
    const std::string_view part = text.substr(0, end);
    if (part.empty() || part.size() > part_bytes_max ||
        !std::all_of(part.begin(), part.end(), fits))
      return false;
    if (end == text.size()) return true;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::optional<EmailAddress> EmailAddress::Parse(std::string_view text) {
  const size_t at = text.rfind('@');
  if (text.size() > kAddressBytesMax || at == std::string_view::npos || at > kLocalPartBytesMax)
    return std::nullopt;
  EmailAddress address{std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
  const auto fits_host = [](char c) { return pop3::IsLetterOrDigit(c) || c == '-'; };
  if (!IsDotted(address.local, kLocalPartBytesMax, IsAtomCharacter) ||
      !IsDotted(address.domain, kLabelBytesMax, fits_host))
    return std::nullopt;
  std::transform(address.domain.begin(), address.domain.end(), address.domain.begin(),
                 pop3::ToLower);
  return address;
}

}  // namespace poplar::autoconfig
