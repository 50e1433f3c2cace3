#include "proxy/admission/pace.h"

namespace poplar::admission {

io::Duration Pace::OnCommand(io::Time now) {
  return rules_.commands ? commands_.Take(rules_.commands, 1, now) : io::Duration::zero();
}

io::Duration Pace::OnBytes(uint64_t count, io::Time now) {
  return rules_.bytes ? bytes_.Take(rules_.bytes, count, now) : io::Duration::zero();
}

}  // namespace poplar::admission
