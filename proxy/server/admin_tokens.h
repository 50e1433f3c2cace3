#pragma once

#include <mutex>
#include <string>
#include <tl/expected.hpp>

#include "metrics/admin_handlers.h"
#include "proxy/config/process_config.h"
#include "proxy/tls/keyed_digest.h"

namespace poplar::server {

// Who may read and change things by the admin endpoint; of each token only a digest is kept. Any
// thread.
class AdminTokens {
 public:
  using Checks = metrics::AdminHandlers::Tokens;

  // Of the files. The digest outlives them. The error says which file, and what is wrong.
  static tl::expected<Checks, std::string> Read(const config::AdminConfig& config,
                                                const tls::KeyedDigest& digest);

  void Use(Checks checks) {
    const std::lock_guard lock(mutex_);
    checks_ = std::move(checks);
  }
  Checks Get() const {
    const std::lock_guard lock(mutex_);
    return checks_;
  }

 private:
  mutable std::mutex mutex_;
  Checks checks_;
};

}  // namespace poplar::server
