#pragma once

#include <vector>

#include "proxy/config/config.h"
#include "proxy/handover/places.h"
#include "proxy/handover/predecessor.h"
#include "proxy/session/settings.h"

namespace poplar::server {

// What a process knows at run time that the next one can't find in the configuration.

// Health and what operators have said, of nodes and of moves; but no users.
handover::Memories Remember(const session::Settings& settings, const config::Config& config);
// Of those that there are here.
void Recall(const handover::Memories& memories, const session::Settings& settings, io::Time now);

std::optional<handover::Places::Node> FindPlace(const session::Settings& settings,
                                                std::string_view cluster, std::string_view node);
// Of all nodes whose connections are limited.
std::vector<handover::SlotCount> CountSlots(const session::Settings& settings);

}  // namespace poplar::server
