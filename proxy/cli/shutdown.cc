#include "proxy/cli/shutdown.h"

namespace poplar::cli {

Shutdown::Shutdown(const config::DrainConfig& rules, io::Time word)
    : stops_accepting_(word + rules.delay), ends_sessions_(stops_accepting_ + rules.timeout) {}

Shutdown Shutdown::AfterHandOver(config::DrainConfig rules, io::Time now) {
  rules.delay = config::Duration::zero();
  return {rules, now};
}

std::vector<Shutdown::Step> Shutdown::Due(io::Time now) {
  Step reached = Step::kAnnounce;
  if (now >= stops_accepting_) reached = Step::kStopAccepting;
  if (now >= ends_sessions_) reached = Step::kEndSessions;
  if (hurried_) reached = Step::kAbort;
  std::vector<Step> due;
  for (const Step step :
       {Step::kAnnounce, Step::kStopAccepting, Step::kEndSessions, Step::kAbort}) {
    if (step <= reached && (!last_ || step > *last_)) due.push_back(step);
  }
  if (!due.empty()) last_ = due.back();
  return due;
}

}  // namespace poplar::cli
