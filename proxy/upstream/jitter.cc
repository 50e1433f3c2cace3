#include "proxy/upstream/jitter.h"

namespace poplar::upstream {

io::Duration Between(io::Random& random, io::Duration low, io::Duration high) {
  if (high <= low) return low;
  const auto span = static_cast<uint64_t>((high - low).count());
  return low + io::Duration(static_cast<io::Duration::rep>(random.Next() % span));
}

io::Duration Jittered(io::Random& random, io::Duration usual) {
  return Between(random, usual - usual / 5, usual + usual / 5);
}

}  // namespace poplar::upstream
