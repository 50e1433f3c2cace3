#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "proxy/pop3/secret.h"

namespace poplar::directory {

// The password that Poplar shows to LDAP servers, read anew from where it is kept each time that it
// is shown: an operator changes it without a restart. Any thread.
class LdapPassword {
 public:
  // The password, or what kept it from being read.
  using Reader = std::function<tl::expected<pop3::Secret, std::string>()>;

  // `first` as the reader has just given it.
  LdapPassword(Reader reader, pop3::Secret first)
      : reader_(std::move(reader)), last_(std::move(first)) {}

  struct Shown {
    pop3::Secret secret;
    std::string trouble;  // empty; else why it is the one from before
  };
  // Blocks.
  Shown Get();

 private:
  const Reader reader_;
  std::mutex mutex_;
  pop3::Secret last_;  // guarded by mutex_
};

}  // namespace poplar::directory
