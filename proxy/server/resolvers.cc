#include "proxy/server/resolvers.h"

#include "proxy/io/cares_resolver.h"

namespace poplar::server {
namespace {

tl::expected<std::unique_ptr<io::Resolver>, std::string> MakeReal(
    const std::vector<std::string>& servers) {
  auto resolver = io::CaresResolver::Create({.name_servers = servers});
  if (!resolver) return tl::unexpected(resolver.error());
  return std::unique_ptr<io::Resolver>(std::move(*resolver));
}

}  // namespace

Resolvers::Resolvers() : Resolvers(MakeReal) {}

tl::expected<io::Resolver*, std::string> Resolvers::For(const std::vector<std::string>& servers) {
  for (const auto& [asked, resolver] : all_) {
    if (asked == servers) return resolver.get();
  }
  auto resolver = make_(servers);
  if (!resolver) return tl::unexpected(resolver.error());
  return all_.emplace_back(servers, std::move(*resolver)).second.get();
}

void Resolvers::Stop() {
  for (const auto& [servers, resolver] : all_) resolver->Stop();
}

}  // namespace poplar::server
