#include "proxy/admission/retention.h"

#include <algorithm>

namespace poplar::admission {
namespace {

// As a canonical user is spelled.
std::string Lowered(std::string_view name) {
  std::string lowered(name);
  std::transform(lowered.begin(), lowered.end(), lowered.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lowered;
}

}  // namespace

void Retention::Say(std::string_view name, bool denied) { said_[Lowered(name)] |= denied; }

bool Retention::DeletesDenied(std::string_view user) const {
  if (said_.empty()) return denied_;
  if (const auto found = said_.find(std::string(user)); found != said_.end()) return found->second;
  const size_t at = user.rfind('@');
  if (at == user.npos) return denied_;
  const auto found = said_.find(std::string(user.substr(at)));
  return found == said_.end() ? denied_ : found->second;
}

}  // namespace poplar::admission
