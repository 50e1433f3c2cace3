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

void Retention::Say(std::string_view name, Deletes deletes) {
  Deletes& said = said_.try_emplace(Lowered(name), deletes).first->second;
  said = std::max(said, deletes);
}

Deletes Retention::Of(std::string_view user) const {
  if (said_.empty()) return others_;
  if (const auto found = said_.find(std::string(user)); found != said_.end()) return found->second;
  const size_t at = user.rfind('@');
  if (at == user.npos) return others_;
  const auto found = said_.find(std::string(user.substr(at)));
  return found == said_.end() ? others_ : found->second;
}

}  // namespace poplar::admission
