#include "proxy/account_probe/account_steps.h"

#include <array>

namespace poplar::account_probe {

std::string_view Name(Step step) {
  static constexpr std::array<std::string_view, kStepCount> kNames = {
      "resolve", "connect", "greeting", "stls", "tls",     "certificate", "capabilities",
      "login",   "stat",    "list",     "uidl", "message", "quit"};
  return kNames[static_cast<size_t>(step)];
}

std::vector<Step> StepsOf(Security security) {
  std::vector<Step> steps = {Step::kResolve, Step::kConnect};
  if (security == Security::kTls) steps.insert(steps.end(), {Step::kTls, Step::kCertificate});
  steps.push_back(Step::kGreeting);
  if (security == Security::kStls)
    steps.insert(steps.end(), {Step::kStls, Step::kTls, Step::kCertificate});
  steps.insert(steps.end(), {Step::kCapabilities, Step::kLogin, Step::kStat, Step::kList,
                             Step::kUidl, Step::kMessage, Step::kQuit});
  return steps;
}

std::string_view Name(Outcome outcome) {
  static constexpr std::array<std::string_view, 4> kNames = {"passed", "warned", "failed",
                                                             "skipped"};
  return kNames[static_cast<size_t>(outcome)];
}

}  // namespace poplar::account_probe
