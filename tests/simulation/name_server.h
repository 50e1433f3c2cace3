#pragma once

#include <string>
#include <vector>

#include "proxy/io/resolver.h"
#include "tests/simulation/places.h"
#include "tests/simulation/world.h"

namespace poplar::simulation {

// The name servers of a world whose nodes come and go: answer late, and in some worlds not always
// or in part.
class NameServer final : public io::Resolver {
 public:
  static constexpr std::string_view kName = "nodes.example";

  NameServer(World& world, const Places& places);

  io::Task<tl::expected<io::HostAddresses, io::ResolveError>> LookUpHost(io::Proactor& proactor,
                                                                         std::string host,
                                                                         uint16_t port) override;
  io::Task<tl::expected<io::ServiceTargets, io::ResolveError>> LookUpService(
      io::Proactor& proactor, std::string name) override;
  void Stop() override { stopped_ = true; }

  // From now on it says so.
  void SetNamed(size_t node, bool named);
  // The node has gone to its next machine.
  void Remove(size_t node);
  int removals(size_t node) const { return removals_[node]; }
  bool named(size_t node) const { return named_[node]; }
  // How often the node has been named, or no longer.
  uint64_t changes(size_t node) const { return changes_[node]; }
  // Whether the last answer that could speak of the node named it.
  bool told(size_t node) const { return told_[node]; }
  // Every question gets an answer, and the whole one.
  bool reliable() const { return failure_ == 0; }

 private:
  // Nothing: it has an answer.
  std::optional<io::ResolveError> Fault();
  io::HostAddresses Addresses();

  World& world_;
  const Places& places_;
  SeededRandom random_;
  int actor_;
  const io::Duration latency_max_;
  const double failure_;  // of a question
  std::vector<bool> named_;
  std::vector<int> removals_;
  std::vector<bool> told_;
  std::vector<uint64_t> changes_;
  bool stopped_ = false;
};

}  // namespace poplar::simulation
