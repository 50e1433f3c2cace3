#include "proxy/server/resolvers.h"

#include <gtest/gtest.h>

#include <memory>

namespace poplar::server {
namespace {

using Servers = std::vector<std::string>;

struct Counts {
  int made = 0;
  int stopped = 0;
};

class CountedResolver final : public io::Resolver {
 public:
  explicit CountedResolver(Counts& counts) : counts_(counts) { ++counts_.made; }
  io::Task<tl::expected<io::HostAddresses, io::ResolveError>> LookUpHost(
      io::Proactor& /*proactor*/, std::string /*host*/, uint16_t /*port*/) override {
    co_return tl::unexpected(io::ResolveError{});
  }
  io::Task<tl::expected<io::ServiceTargets, io::ResolveError>> LookUpService(
      io::Proactor& /*proactor*/, std::string /*name*/) override {
    co_return tl::unexpected(io::ResolveError{});
  }
  void Stop() override { ++counts_.stopped; }

 private:
  Counts& counts_;
};

TEST(Resolvers, AreOneForEachListOfNameServers) {
  Counts counts;
  Resolvers resolvers([&counts](const Servers& servers)
                          -> tl::expected<std::unique_ptr<io::Resolver>, std::string> {
    if (servers == Servers{"nowhere"}) return tl::unexpected(std::string("no name server"));
    return std::make_unique<CountedResolver>(counts);
  });
  io::Resolver* const system = *resolvers.For({});
  io::Resolver* const own = *resolvers.For({"192.0.2.53"});
  EXPECT_NE(system, own);
  EXPECT_EQ(*resolvers.For({}), system);
  EXPECT_EQ(*resolvers.For({"192.0.2.53"}), own);
  EXPECT_EQ(resolvers.For({"nowhere"}).error(), "no name server");
  EXPECT_EQ(counts.made, 2);
  resolvers.Stop();
  EXPECT_EQ(counts.stopped, 2);
}

TEST(Resolvers, SayWhichNameServerIsNone) {
  Resolvers real;
  EXPECT_TRUE(real.For({"192.0.2.53"}));
  EXPECT_FALSE(real.For({"ns.example.org"}));
}

}  // namespace
}  // namespace poplar::server
