#pragma once

#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "proxy/io/resolver.h"

namespace poplar::server {

// Clients of name servers, one for each list of them that somebody wants to ask. Set up by one
// thread. They answer proactors, so it goes before those.
class Resolvers {
 public:
  using Make = std::function<tl::expected<std::unique_ptr<io::Resolver>, std::string>(
      const std::vector<std::string>& servers)>;

  // Real ones.
  Resolvers();
  explicit Resolvers(Make make) : make_(std::move(make)) {}

  // None named: the system's. Lives as long as this.
  tl::expected<io::Resolver*, std::string> For(const std::vector<std::string>& servers);

  // From any thread: questions under way and later ones end at once.
  void Stop();
  // No thread of theirs is left; behind Stop.
  void Close() { all_.clear(); }

 private:
  const Make make_;
  std::vector<std::pair<std::vector<std::string>, std::unique_ptr<io::Resolver>>> all_;
};

}  // namespace poplar::server
