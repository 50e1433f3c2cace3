#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "proxy/config/config.h"
#include "proxy/directory/answer_cache.h"
#include "proxy/directory/http_source.h"

namespace poplar::server {

// The services that rules refer to: what all workers share of them.
class Directories {
 public:
  // Looks host names up, loads certificates. Blocks. The error says what, where and why.
  static tl::expected<std::unique_ptr<Directories>, std::string> Build(
      const config::Config& config);

  size_t size() const { return all_.size(); }
  directory::AnswerCache& cache(size_t index) const { return all_[index]->cache; }
  // For one worker's loop, which outlives it, as this does.
  std::unique_ptr<directory::Source> MakeSource(size_t index, io::Proactor& proactor) const;

 private:
  struct Directory {
    Directory(directory::HttpSettings http, const directory::CacheRules& rules)
        : settings(std::move(http)), cache(rules) {}
    const directory::HttpSettings settings;
    directory::AnswerCache cache;
  };
  std::vector<std::unique_ptr<Directory>> all_;
};

}  // namespace poplar::server
