#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "proxy/config/config.h"
#include "proxy/directory/answer_cache.h"
#include "proxy/directory/http_source.h"
#include "proxy/directory/ldap_pool.h"
#include "proxy/directory/ldap_servers.h"
#include "proxy/directory/ldap_settings.h"

namespace poplar::server {

// The services that rules refer to: what all workers share of them.
class Directories {
 public:
  // Looks host names up, loads certificates, starts the threads of LDAP directories. Blocks. The
  // error says what, where and why. The clock outlives them.
  static tl::expected<std::unique_ptr<Directories>, std::string> Build(const config::Config& config,
                                                                       const io::Clock& clock);

  size_t size() const { return all_.size(); }
  directory::AnswerCache& cache(size_t index) const { return all_[index]->cache; }
  // For one worker's loop, which outlives it, as this does.
  std::unique_ptr<directory::Source> MakeSource(size_t index, io::Proactor& proactor) const;

 private:
  // What the workers' sources of an LDAP directory share.
  struct Ldap {
    explicit Ldap(directory::LdapSettings from)
        : settings(std::move(from)), servers(settings.urls.size()) {}
    const directory::LdapSettings settings;
    directory::LdapServers servers;
    std::unique_ptr<directory::LdapPool> pool;  // goes first: its threads use the others
  };
  struct Directory {
    Directory(directory::HttpSettings http, const directory::CacheRules& rules)
        : settings(std::move(http)), cache(rules) {}
    Directory(std::unique_ptr<Ldap> from, const directory::CacheRules& rules)
        : ldap(std::move(from)), cache(rules) {}
    const directory::HttpSettings settings;
    const std::unique_ptr<Ldap> ldap;  // null: settings says how to ask
    directory::AnswerCache cache;
  };
  static tl::expected<std::unique_ptr<Ldap>, std::string> StartLdap(
      const config::DirectoryConfig& from, const io::Clock& clock);

  std::vector<std::unique_ptr<Directory>> all_;
};

}  // namespace poplar::server
