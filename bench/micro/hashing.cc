#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "balancer/canonical_user.h"
#include "balancer/node_table.h"

namespace poplar::bench {
namespace {

// A user's whole order of preference.
void ChooseNodes(benchmark::State& state) {
  balancer::Cluster cluster{"mail", true, {}};
  for (int64_t i = 0; i < state.range(0); ++i)
    cluster.nodes.push_back({"mail-" + std::to_string(i), 100});
  const auto table = balancer::NodeTable::Build({cluster});
  std::vector<balancer::CanonicalUser> users;
  for (int i = 0; i < 64; ++i) {
    users.push_back(
        balancer::CanonicalUser::FromCanonical("user" + std::to_string(i) + "@example.org"));
  }
  size_t next = 0;
  for (auto each : state) {
    benchmark::DoNotOptimize((*table)->Choose(balancer::ClusterId{0}, users[next++ % 64]));
  }
}
BENCHMARK(ChooseNodes)->Arg(3)->Iterations(100'000);
BENCHMARK(ChooseNodes)->Arg(1000)->Iterations(300);

}  // namespace
}  // namespace poplar::bench
