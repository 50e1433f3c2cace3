#pragma once

#include "proxy/io/address.h"
#include "proxy/io/proactor.h"
#include "proxy/io/result.h"

namespace poplar::io {

// What every world on the kernel's sockets does alike. Descriptors close on exec.

// A descriptor that listens.
Result<int> OpenListening(const Address& address, const ListenOptions& options);
// A descriptor to connect with.
Result<int> OpenConnecting(int family);

// Bytes leave at once instead of waiting for more (Nagle). False for what is no open socket.
bool SendAtOnce(int descriptor);

// Whether nothing waits to be received: no byte, no end, no error. An error is told once, and this
// is a telling: such a connection is to be closed, not read.
bool NothingToReceive(int descriptor);

// Blocks until there is something to receive, be it an end or an error; at most so long. Never on a
// worker.
bool AwaitBytes(int descriptor, Duration most);

Address LocalAddressOf(int descriptor);
Address PeerAddressOf(int descriptor);

}  // namespace poplar::io
