#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

#include "metrics/admin_handlers.h"

namespace poplar::server {

// An operator's wish for an upgrade, from the thread that hears it to the one that sees to it.
class UpgradeRequest {
 public:
  using Result = metrics::ApiResult<metrics::UpgradeResult>;

  // `wake`: makes the other thread begin, or answer. Any thread.
  explicit UpgradeRequest(std::function<void()> wake) : wake_(std::move(wake)) {}

  // Blocks until the next answer; its patience is longer than that of an upgrade.
  Result Ask();
  // To all who ask.
  void Answer(Result result);
  // To all who ask and who will, until Reopen: whoever asks is waited for when the endpoint closes.
  void Close(Result result);
  void Reopen();

 private:
  const std::function<void()> wake_;
  std::mutex mutex_;
  std::condition_variable answered_;
  uint64_t answers_ = 0;  // guarded by mutex_, as all below
  bool closed_ = false;
  Result last_ = tl::unexpected(metrics::ApiFault{});
};

}  // namespace poplar::server
