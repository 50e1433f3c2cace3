#pragma once

#include <set>
#include <string>

#include "proxy/directory/ldap_pool.h"
#include "proxy/directory/ldap_settings.h"
#include "proxy/directory/source.h"
#include "proxy/io/proactor.h"
#include "proxy/io/sync.h"

namespace poplar::directory {

// An LDAP directory as one worker sees it. It is told the user's name, and nothing else of the
// question.
class LdapSource final : public Source {
 public:
  // More than the timeout, so that the thread can say what it waited for.
  static constexpr io::Duration kGrace = std::chrono::milliseconds(100);

  // All outlive it.
  LdapSource(io::Proactor& proactor, const LdapSettings& settings, LdapPool& pool)
      : proactor_(proactor), settings_(settings), pool_(pool) {}
  // Nothing is under way.
  ~LdapSource() override;

  io::Task<Answer> Ask(const Question& question) override;
  void Stop() override;

 private:
  Answer Trouble(const std::string& what) const;

  io::Proactor& proactor_;
  const LdapSettings& settings_;
  LdapPool& pool_;
  std::set<io::Event*> waiting_;
  bool stopped_ = false;
};

}  // namespace poplar::directory
