#include "proxy/server/upgrade_request.h"

#include <chrono>
#include <utility>

namespace poplar::server {
namespace {

constexpr auto kPatience = std::chrono::seconds(75);

}  // namespace

UpgradeRequest::Result UpgradeRequest::Ask() {
  std::unique_lock lock(mutex_);
  if (closed_) return last_;
  const uint64_t before = answers_;
  wake_();
  if (answered_.wait_for(lock, kPatience, [&] { return answers_ != before; })) return last_;
  return tl::unexpected(
      metrics::ApiFault{503, "nobody sees to it; the log says what Poplar is doing"});
}

void UpgradeRequest::Answer(Result result) {
  {
    const std::lock_guard lock(mutex_);
    ++answers_;
    last_ = std::move(result);
  }
  answered_.notify_all();
}

void UpgradeRequest::Close(Result result) {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  Answer(std::move(result));
}

void UpgradeRequest::Reopen() {
  const std::lock_guard lock(mutex_);
  closed_ = false;
}

}  // namespace poplar::server
