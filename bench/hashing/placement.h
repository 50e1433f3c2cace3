#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace poplar::bench {

struct PlacedNode {
  std::string name;
  uint32_t weight;  // above 0
};

// A way of giving users homes, built for one list of nodes.
class Placement {
 public:
  virtual ~Placement() = default;
  // An index into the list of nodes.
  virtual uint32_t HomeOf(std::string_view user) const = 0;
  // Of what a lookup reads.
  virtual size_t Bytes() const = 0;
};

}  // namespace poplar::bench
