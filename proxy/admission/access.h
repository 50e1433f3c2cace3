#pragma once

#include "proxy/io/address.h"
#include "proxy/io/network.h"

namespace poplar::admission {

// Who may connect. Immutable once shared between threads.
struct AccessList {
  io::NetworkSet allow;  // empty: everybody
  io::NetworkSet deny;   // counts for more

  bool Admits(const io::Address& address) const;
};

}  // namespace poplar::admission
