#pragma once

#include <vector>

#include "bench/hashing/placement.h"

namespace poplar::bench {

// Consistent hashing on a ring as libketama does it (R. Jones, Last.fm, 2007): MD5 of "name-k"
// gives four points; a node has floor(its share of the weight * 40 * nodes) such k, so 160 points
// on average; a key belongs to the first point at or after the first four bytes of its MD5.
class Ketama : public Placement {
 public:
  explicit Ketama(const std::vector<PlacedNode>& nodes);

  uint32_t HomeOf(std::string_view user) const override;
  size_t Bytes() const override { return ring_.size() * sizeof(Point); }

 private:
  struct Point {
    uint32_t at;
    uint32_t node;
  };

  std::vector<Point> ring_;  // sorted
};

}  // namespace poplar::bench
