#include "proxy/admission/access.h"

namespace poplar::admission {

bool AccessList::Admits(const io::Address& address) const {
  if (!deny.empty() && deny.Contains(address)) return false;
  return allow.empty() || allow.Contains(address);
}

}  // namespace poplar::admission
