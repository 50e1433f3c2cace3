#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "balancer/agreement.h"

// How replicas write to each other what they think of nodes, by "cluster/node". Moments are in
// milliseconds of the store's clock. What makes no sense is left out.
namespace poplar::shared_state {

using Agreements = std::map<std::string, balancer::Agreement, std::less<>>;

// "main/a out 1700000000000 1700000001000 -": state, since, changed, doubted; a line each.
std::string RenderAgreements(const Agreements& agreements);
Agreements ParseAgreements(std::string_view text);

// The nodes that a replica says are out, and for how long they have been failing.
using Ages = std::map<std::string, balancer::Duration, std::less<>>;
// Those that it said so of, and since when.
using Votes = std::map<std::string, balancer::Moment, std::less<>>;

// "main/a 2000 main/b 31".
std::string RenderAges(const Ages& ages);
// What a replica says instead that has no say in it.
inline constexpr std::string_view kNoVotes = "-";
// As the store keeps it: until when the replica lives, and when it said so, in front. Nothing: it
// has no say.
std::optional<Votes> ParseVotes(std::string_view text);

std::optional<balancer::Moment> ParseMoment(std::string_view text);
std::string RenderMoment(balancer::Moment moment);

}  // namespace poplar::shared_state
