#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
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
#include "proxy/io/task_scope.h"
#include "proxy/server/log.h"
#include "proxy/server/resolvers.h"

namespace poplar::server {

// The services that rules refer to: what all workers share of them.
class Directories {
 public:
  Directories(const config::Config& config, Log& log);

  // Loads certificates, starts the threads of LDAP directories and of look-ups. Blocks. The error
  // says what, where and why. Clock and log outlive them. Whatever asks them goes first; they end
  // on no worker's thread, as they wait for their own threads.
  static tl::expected<std::shared_ptr<Directories>, std::string> Build(const config::Config& config,
                                                                       const io::Clock& clock,
                                                                       Log& log);
  // Before workers go, whose loops may still be answered.
  void Close() { resolvers_.Close(); }

  // Whether they would be the same made of this configuration, and of its files as they are now.
  bool FitTo(const config::Config& config) const;

  size_t size() const { return all_.size(); }
  directory::AnswerCache& cache(size_t index) const { return all_[index]->cache; }
  // For one worker's loop, which outlives it, as this does; `scope` runs what it does in the
  // background, and is empty before it goes.
  std::unique_ptr<directory::Source> MakeSource(size_t index, io::Proactor& proactor,
                                                io::TaskScope& scope) const;

  // A worker has sources from here on, and asks them no more from there on. Behind the last one's
  // end no name is looked up: a name server's silence would hold the end of the process up.
  void Enter() { ++workers_; }
  void Leave();

 private:
  // What the workers' sources of an LDAP directory share.
  struct Ldap {
    explicit Ldap(directory::LdapSettings from)
        : settings(std::move(from)), servers(settings.urls.size()) {}
    const directory::LdapSettings settings;
    directory::LdapServers servers;
    std::unique_ptr<directory::LdapPool> pool;  // goes first: its threads use the others
  };
  // The troubles with names that have been told of, by "directory/host": each worker looks them up
  // for itself.
  class NameTroubles {
   public:
    explicit NameTroubles(Log& log) : log_(log) {}
    void Note(const std::string& directory, const std::string& host, const std::string& trouble,
              bool known);

   private:
    Log& log_;
    std::mutex mutex_;
    std::map<std::string, std::string> told_;  // guarded by mutex_; bounded by the configuration
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
  tl::expected<directory::NameLookups, std::string> LookupsOf(const config::DirectoryConfig& from);

  const std::vector<config::DirectoryConfig> made_of_;
  const std::string files_;  // a digest of what was in those they name
  Resolvers resolvers_;
  NameTroubles name_troubles_;
  std::atomic<int> workers_ = 0;
  std::vector<std::unique_ptr<Directory>> all_;
};

}  // namespace poplar::server
