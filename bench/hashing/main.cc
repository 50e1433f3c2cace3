// Weighted rendezvous hashing beside a ketama ring and a Maglev table: evenness, disruption, memory
// and time. bench/hashing/README.md has the figures.
#include <time.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>
#include <numeric>

#include "bench/hashing/ketama.h"
#include "bench/hashing/maglev.h"
#include "bench/hashing/rendezvous_placement.h"

namespace poplar::bench {
namespace {

using Nodes = std::vector<PlacedNode>;
using Users = std::vector<std::string>;
using Build = std::function<std::unique_ptr<Placement>(const Nodes&)>;

Nodes MakeNodes(uint32_t count, bool weighted) {
  Nodes nodes;
  for (uint32_t i = 0; i < count; ++i) {
    nodes.push_back({"mail" + std::to_string(i), weighted ? 1 + (i * 37) % 10 : 1});
  }
  return nodes;
}

// CPU time of this thread, in seconds: what else the machine does should not show.
double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::vector<uint32_t> Homes(const Placement& placement, const Users& users) {
  std::vector<uint32_t> homes;
  homes.reserve(users.size());
  for (const std::string& user : users) homes.push_back(placement.HomeOf(user));
  return homes;
}

// The users a node has, over the users of its exact share.
struct Evenness {
  double largest = 0;
  double deviation = 0;  // standard, from 1
};

double ShareOf(const Nodes& nodes, size_t node) {
  const double total =
      std::accumulate(nodes.begin(), nodes.end(), 0.0,
                      [](double sum, const PlacedNode& each) { return sum + each.weight; });
  return nodes[node].weight / total;
}

Evenness EvennessOf(const Nodes& nodes, const std::vector<uint32_t>& homes) {
  std::vector<double> users(nodes.size());
  for (const uint32_t home : homes) ++users[home];
  Evenness evenness;
  for (size_t node = 0; node < nodes.size(); ++node) {
    const double ratio = users[node] / (static_cast<double>(homes.size()) * ShareOf(nodes, node));
    evenness.largest = std::max(evenness.largest, ratio);
    evenness.deviation += (ratio - 1) * (ratio - 1) / static_cast<double>(nodes.size());
  }
  evenness.deviation = std::sqrt(evenness.deviation);
  return evenness;
}

// What perfect chance would give for so many users.
double DeviationOfChance(const Nodes& nodes, size_t users) {
  double variance = 0;
  for (size_t node = 0; node < nodes.size(); ++node) {
    const double share = ShareOf(nodes, node);
    variance += (1 - share) / (static_cast<double>(users) * share);
  }
  return std::sqrt(variance / static_cast<double>(nodes.size()));
}

// Percentage of all users that moved though their node stayed and is not where they moved to for
// the sake of a new node.
double MovedWithoutNeed(const Nodes& before_nodes, const std::vector<uint32_t>& before,
                        const Nodes& after_nodes, const std::vector<uint32_t>& after,
                        const std::string& changed) {
  size_t moved = 0;
  for (size_t user = 0; user < before.size(); ++user) {
    const std::string& from = before_nodes[before[user]].name;
    const std::string& to = after_nodes[after[user]].name;
    if (from != to && from != changed && to != changed) ++moved;
  }
  return 100.0 * static_cast<double>(moved) / static_cast<double>(before.size());
}

double NanosecondsPerLookup(const Placement& placement, const Users& users) {
  constexpr double kEnoughSeconds = 0.5;
  uint64_t sink = 0;
  size_t lookups = 0;
  const double began = CpuSeconds();
  double took = 0;
  while (took < kEnoughSeconds) {
    for (int i = 0; i < 1000; ++i) sink += placement.HomeOf(users[lookups++ % users.size()]);
    took = CpuSeconds() - began;
  }
  static volatile uint64_t kept;
  kept = sink;
  static_cast<void>(kept);
  return 1e9 * took / static_cast<double>(lookups);
}

void Compare(const char* name, const Build& build, const Nodes& nodes, const Users& users) {
  Nodes smaller = nodes;
  const auto gone = smaller.begin() + static_cast<ptrdiff_t>(nodes.size() / 2);
  const std::string gone_name = gone->name;
  smaller.erase(gone);
  Nodes larger = nodes;
  larger.push_back({"new", nodes[1].weight});

  const double began = CpuSeconds();
  const std::unique_ptr<Placement> placement = build(nodes);
  const double build_seconds = CpuSeconds() - began;
  const std::vector<uint32_t> homes = Homes(*placement, users);
  const Evenness evenness = EvennessOf(nodes, homes);
  const double removal =
      MovedWithoutNeed(nodes, homes, smaller, Homes(*build(smaller), users), gone_name);
  const double addition =
      MovedWithoutNeed(nodes, homes, larger, Homes(*build(larger), users), "new");
  std::printf("%5zu  %-11s %8.3f %8.2f %% %10.3f %% %10.3f %% %9.1f %9.2f %9.0f\n", nodes.size(),
              name, evenness.largest, 100 * evenness.deviation, removal, addition,
              static_cast<double>(placement->Bytes()) / 1024, 1000 * build_seconds,
              NanosecondsPerLookup(*placement, users));
  std::fflush(stdout);
}

void CompareAll(const Nodes& nodes, const Users& users) {
  std::printf("%5zu  %-11s %8s %8.2f %%\n", nodes.size(), "chance", "",
              100 * DeviationOfChance(nodes, users.size()));
  Compare(
      "rendezvous", [](const Nodes& n) { return std::make_unique<Rendezvous>(n, false); }, nodes,
      users);
  Compare("ketama", [](const Nodes& n) { return std::make_unique<Ketama>(n); }, nodes, users);
  Compare("maglev", [](const Nodes& n) { return std::make_unique<Maglev>(n); }, nodes, users);
  const Rendezvous whole(nodes, true);
  std::printf("%5zu  %-11s %63s %9.0f\n", nodes.size(), "whole order", "",
              NanosecondsPerLookup(whole, users));
}

int Main(int argc, char** argv) {
  CLI::App app{
      "Places made-up users on nodes by rendezvous hashing, a ketama ring and a Maglev table"};
  size_t user_count = 1'000'000;
  std::vector<uint32_t> sizes{3, 10, 100, 1000};
  bool equal = false;
  app.add_option("--users", user_count, "how many users")->check(CLI::Range(1, 100'000'000));
  app.add_option("--nodes", sizes, "how many nodes, each in turn")->check(CLI::Range(2, 10'000));
  app.add_flag("--equal", equal, "equal weights instead of 1 to 10");
  CLI11_PARSE(app, argc, argv);

  Users users;
  users.reserve(user_count);
  for (size_t i = 0; i < user_count; ++i) {
    users.push_back("user" + std::to_string(i) + "@example.com");
  }
  std::printf(
      "%zu users, weights %s; users over the exact share: greatest, standard deviation; users "
      "moved without need\n",
      users.size(), equal ? "equal" : "1 to 10");
  std::printf("%5s  %-11s %8s %10s %12s %12s %9s %9s %9s\n", "nodes", "scheme", "max", "sd",
              "removal", "addition", "KiB", "build ms", "ns");
  for (const uint32_t size : sizes) CompareAll(MakeNodes(size, !equal), users);
  return 0;
}

}  // namespace
}  // namespace poplar::bench

int main(int argc, char** argv) { return poplar::bench::Main(argc, argv); }
