#include "bench/hashing/ketama.h"

#include <openssl/md5.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

namespace poplar::bench {
namespace {

using Digest = std::array<uint8_t, MD5_DIGEST_LENGTH>;

Digest Md5(std::string_view text) {
  Digest digest;
  MD5(reinterpret_cast<const uint8_t*>(text.data()), text.size(), digest.data());
  return digest;
}

// The quarter'th four bytes, the lowest first.
uint32_t PointOf(const Digest& digest, size_t quarter) {
  uint32_t point = 0;
  for (size_t i = 4; i > 0; --i) point = point << 8 | digest[quarter * 4 + i - 1];
  return point;
}

}  // namespace

Ketama::Ketama(const std::vector<PlacedNode>& nodes) {
  uint64_t total = 0;
  for (const PlacedNode& node : nodes) total += node.weight;
  for (uint32_t i = 0; i < nodes.size(); ++i) {
    // float, as libketama: in double a node of an even share would get 39 now and then.
    const float share = static_cast<float>(nodes[i].weight) / static_cast<float>(total);
    const float hashes = std::floor(
        static_cast<float>(static_cast<double>(share) * 40.0 * static_cast<double>(nodes.size())));
    for (int k = 0; k < static_cast<int>(hashes); ++k) {
      const Digest digest = Md5(nodes[i].name + '-' + std::to_string(k));
      for (size_t quarter = 0; quarter < 4; ++quarter) {
        ring_.push_back({PointOf(digest, quarter), i});
      }
    }
  }
  std::sort(ring_.begin(), ring_.end(), [](const Point& a, const Point& b) {
    return std::tie(a.at, a.node) < std::tie(b.at, b.node);
  });
}

uint32_t Ketama::HomeOf(std::string_view user) const {
  const uint32_t at = PointOf(Md5(user), 0);
  const auto found = std::lower_bound(ring_.begin(), ring_.end(), at,
                                      [](const Point& point, uint32_t x) { return point.at < x; });
  return found == ring_.end() ? ring_.front().node : found->node;
}

}  // namespace poplar::bench
