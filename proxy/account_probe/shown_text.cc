#include "proxy/account_probe/shown_text.h"

#include <algorithm>
#include <utility>

#include "proxy/account_probe/limits.h"
#include "proxy/pop3/node_message.h"

namespace poplar::account_probe {
namespace {

constexpr std::string_view kMask = "********";

// Of a secret that what was read ends in the midst of; less than this tells nothing.
constexpr size_t kBeginningBytesMin = 3;

void HideBeginning(std::string& shown, std::string_view secret) {
  for (size_t n = std::min(secret.size() - 1, shown.size()); n >= kBeginningBytesMin; --n) {
    if (!std::string_view(shown).ends_with(secret.substr(0, n))) continue;
    std::fill_n(shown.end() - static_cast<std::ptrdiff_t>(n), n, '\0');
    shown.replace(shown.size() - n, n, kMask);
    return;
  }
}

}  // namespace

void ShownText::Hide(std::string_view user, std::string_view secret) {
  if (secret.empty()) return;
  // The longest first: none of them then leaves a part of itself behind another's mask.
  hidden_.push_back(pop3::OauthBearerMessage(user, secret));
  hidden_.push_back(pop3::Xoauth2Message(user, secret));
  hidden_.push_back(pop3::PlainMessage({}, user, secret));
  hidden_.push_back(pop3::EncodeBase64(secret));
  hidden_.emplace_back(secret);
}

std::string ShownText::operator()(std::string_view text) const {
  std::string shown(text);
  for (const pop3::Secret& secret : hidden_) {
    const std::string_view bytes = secret.Expose();
    for (size_t at = shown.find(bytes); at != shown.npos; at = shown.find(bytes, at)) {
      std::fill_n(shown.begin() + static_cast<std::ptrdiff_t>(at), bytes.size(), '\0');
      shown.replace(at, bytes.size(), kMask);
      at += kMask.size();
    }
    HideBeginning(shown, bytes);
  }
  std::replace_if(
      shown.begin(), shown.end(), [](unsigned char c) { return c < 0x20 || c > 0x7e; }, '?');
  if (shown.size() > kShownBytesMax) shown.replace(kShownBytesMax, shown.npos, "...");
  return shown;
}

}  // namespace poplar::account_probe
