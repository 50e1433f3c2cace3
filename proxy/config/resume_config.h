#pragma once

#include <chrono>

#include "proxy/config/field.h"

namespace poplar::config {

// Whether and for how long a session whose node is lost goes on.
struct ResumeConfig {
  bool enabled = true;
  Duration deadline = std::chrono::seconds(15);

  bool operator==(const ResumeConfig&) const = default;

  // resume: off
  static constexpr bool ResumeConfig::* kSwitch = &ResumeConfig::enabled;
};

template <class Visitor>
void Describe(Visitor& v, ResumeConfig& c) {
  v.Flag("enabled", c.enabled,
         {.help = "Whether a logged-in session whose node is lost (gone, silent, down, [SYS/TEMP]) "
                  "goes on at the same node or the next, so that its client notices nothing. Only "
                  "with shared_storage: yes, and where the client named its messages the node "
                  "must know UIDL. The user's credential is kept for it, encrypted in memory, "
                  "until the session ends."});
  v.Time("deadline", c.deadline, {std::chrono::seconds(1), std::chrono::minutes(5)},
         {.help = "How long a client may be made to wait for it; then the session ends as it would "
                  "without. Counted from the loss, or from the client's next command where it "
                  "waited for no answer. Longer than health.hold_down, or nobody moves to another "
                  "node in time; shorter than clients wait for an answer, mostly a minute."});
}

}  // namespace poplar::config
