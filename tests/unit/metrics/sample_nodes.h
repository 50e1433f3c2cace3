#pragma once

#include <vector>

#include "metrics/node_view.h"

namespace poplar::metrics {

// As SampleDimensions names them.
inline std::vector<ClusterView> SampleNodes() {
  return {{.label = Cluster{0},
           .name = "main",
           .panic = false,
           .nodes = {{.label = Node{0},
                      .name = "mail1",
                      .address = "10.0.0.1:110",
                      .weight = 100,
                      .sessions = 12,
                      .slots = 20,
                      .in_use = 14,
                      .warm = 2,
                      .parked = 4,
                      .waiting = 7},
                     {.label = Node{1},
                      .name = "mail2",
                      .address = "10.0.0.2:110",
                      .state = NodeState::kEjected,
                      .admin = AdminState::kDrain,
                      .in_service = false,
                      .weight = 50,
                      .ejections = 3,
                      .evidence = "5 failures in a row, the last: \"connect\nrefused\""}}},
          {.label = Cluster{1},
           .name = "other",
           .panic = true,
           .nodes = {{.label = Node{2},
                      .name = "mail1",
                      .address = "[fd00::1]:995",
                      .ready_permille = 250,
                      .weight = 100}}}};
}

}  // namespace poplar::metrics
