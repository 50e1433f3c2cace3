#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "balancer/seating.h"
#include "proxy/io/proactor.h"
#include "proxy/io/resolver.h"
#include "proxy/upstream/alarm.h"
#include "proxy/upstream/cluster.h"
#include "proxy/upstream/endpoint.h"
#include "proxy/upstream/observer.h"
#include "proxy/upstream/service_nodes.h"

namespace poplar::upstream {

enum class AddressFamily : uint8_t { kAny, kIpv4, kIpv6 };

// How the nodes of a cluster are found.
struct DiscoveryOptions {
  std::string name;      // that is asked for
  bool service = false;  // its SRV records; else its addresses
  uint16_t port = 0;     // of the nodes, where no SRV record says it
  AddressFamily family = AddressFamily::kAny;
  // An answer counts for its TTL, but for at least and at most so long.
  io::Duration ttl_min = std::chrono::seconds(5);
  io::Duration ttl_max = std::chrono::minutes(5);
  // Of each node; but for its name, its address and, where that is empty, its host_name.
  Endpoint pattern;
};

// A node as sessions may choose it.
struct DiscoveredNode {
  balancer::Node node;
  io::Address address;
  std::string host;  // of an SRV record; empty: there is none
};

// Where a discovery tells what it finds. On its own thread.
class DiscoveryHost {
 public:
  virtual ~DiscoveryHost() = default;
  // Another node has sat down: what was counted of the seat until now isn't its own.
  virtual void SatDown(balancer::NodeId seat) = 0;
  // From now on the cluster's nodes are these.
  virtual void Publish(const Cluster& cluster, const std::vector<DiscoveredNode>& nodes) = 0;
  // Whether no login can choose the seat any more, and no lease is on it.
  virtual bool IsForgotten(balancer::NodeId seat) const = 0;
  virtual void Note(std::string_view text, bool is_trouble) = 0;
};

// Asks for a cluster's nodes again and again, and seats them (balancer/seating.h). What is no
// answer, or an empty one, changes nothing: the nodes known stay. Who isn't in an answer any more
// takes no new users, and gives the seat up when the last session there has ended. One worker's.
class Discovery {
 public:
  // Between looks at whether a leaving node's seat is free.
  static constexpr io::Duration kTick = std::chrono::seconds(1);
  // Hosts of SRV records that couldn't be asked for, in one round; the rest isn't asked for then,
  // or each would cost a silent name server's timeout.
  static constexpr int kFailedHostsMax = 3;

  struct Status {
    bool answered = false;   // once at least, with nodes
    io::Time last_answer{};  // with nodes
    uint32_t nodes = 0;
    uint32_t leaving = 0;
    uint32_t unseated = 0;  // more than there are seats
    uint64_t ok = 0;        // look-ups so far, by what came of them
    uint64_t not_found = 0;
    uint64_t failed = 0;
  };

  // All must outlive it. The cluster's nodes are its seats.
  Discovery(io::Proactor& proactor, io::Resolver& resolver, Cluster& cluster,
            DiscoveryOptions options, Observer& observer, DiscoveryHost& host);

  // Until Stop; a question that is under way ends first, so stop the resolver too. Once.
  io::Task<void> Run();
  void Stop();

  // Any thread.
  Status status() const;
  const Cluster& cluster() const { return cluster_; }

 private:
  struct Found {
    std::string name;
    std::string host;  // of the SRV record
    io::Address address;
    uint32_t weight = 100;
  };
  struct Answer {
    std::vector<Found> nodes;
    io::Duration ttl{};
    std::string trouble;  // hosts that are missing, or are taken to be where they were
  };
  using Answered = tl::expected<Answer, io::ResolveError>;

  // Asks, seats, publishes; when to ask again.
  io::Task<io::Time> Round();
  io::Task<Answered> Ask();
  io::Task<Answered> AskForAddresses();
  io::Task<Answered> AskForService();
  io::Task<std::optional<io::ResolveError>> AskForHost(ServiceNode node, Answer& answer);
  void AddMissing(Answer& answer) const;
  void KeepAsItWas(const ServiceNode& node, Answer& answer) const;
  bool IsWanted(const io::Address& address) const;
  io::Address Pick(const std::string& name, const io::HostAddresses& hosts) const;

  void Take(std::vector<Found> nodes);
  bool Seat(const Found& found, uint32_t seat, const balancer::Seating::Changes& changes);
  void Publish();
  void Vacate();
  bool IsFree(uint32_t seat) const;
  std::shared_ptr<const Endpoint> EndpointOf(const Found& found) const;
  void OnTrouble(std::string trouble);
  void NoteUnseated(const balancer::Seating::Changes& changes);
  void UpdateStatus();
  Node& NodeAt(uint32_t seat) const { return *cluster_.nodes[seat]; }

  io::Proactor& proactor_;
  io::Resolver& resolver_;
  Cluster& cluster_;
  const DiscoveryOptions options_;
  Observer& observer_;
  DiscoveryHost& host_;
  Alarm alarm_;
  balancer::Seating seating_;
  std::vector<Found> found_;    // by the last good answer
  std::vector<Found> sitting_;  // by seat
  uint32_t unseated_ = 0;
  int failures_ = 0;     // in a row
  std::string trouble_;  // as the log has it; empty: there is none
  bool stopped_ = false;

  mutable std::mutex mutex_;
  Status status_;  // guarded by mutex_
};

}  // namespace poplar::upstream
