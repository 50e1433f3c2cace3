#include "tests/simulation/stale_view.h"

namespace poplar::simulation {

std::shared_ptr<const demo::MessageList> StaleView::Look(std::string_view user, io::Time now) {
  const std::optional<size_t> number = mail_.UserCalled(user);
  if (!number) return store_.Messages(user);
  Seen& seen = seen_[*number];
  if (seen.messages == nullptr || seen.at + age_ <= now) seen = {store_.Messages(user), now};
  return seen.messages;
}

void StaleView::Forget(std::string_view user) {
  if (const std::optional<size_t> number = mail_.UserCalled(user)) seen_.erase(*number);
}

}  // namespace poplar::simulation
