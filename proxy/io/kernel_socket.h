#pragma once

#include <cerrno>
#include <cstdint>

#include "proxy/io/address.h"
#include "proxy/io/proactor.h"
#include "proxy/io/result.h"

namespace poplar::io {

// What every world on the kernel's sockets does alike. Descriptors close on exec.

// Whether a call that can't be answered at once waits for its answer or fails with EAGAIN.
enum class Blocking : uint8_t { kYes, kNo };

// A descriptor that listens.
Result<int> OpenListening(const Address& address, const ListenOptions& options, Blocking blocking);
// A descriptor to connect with.
Result<int> OpenConnecting(int family, Blocking blocking);

// What the kernel may answer (a negative errno) although nothing is wrong with the socket: the
// operation is to be begun anew.
inline bool IsSpurious(int result) { return result == -EAGAIN || result == -EINTR; }

// Whether an accept that was answered so would be again and again if it weren't given a rest
// (EMFILE and its like).
inline bool AcceptMustPause(int result) {
  return result < 0 && result != -ECONNABORTED && !IsSpurious(result);
}
inline constexpr Duration kAcceptPause = std::chrono::milliseconds(100);

// Appends at most so many of the bytes that wait; recv's answer: how many, or a negative errno.
int TakeWaiting(int descriptor, Buffer& into, size_t most);

// Bytes leave at once instead of waiting for more (Nagle). What a listening socket accepts does as
// it does. False for what is no open socket.
bool SendAtOnce(int descriptor);

// Whether nothing waits to be received: no byte, no end, no error. An error is told once, and this
// is a telling: such a connection is to be closed, not read.
bool NothingToReceive(int descriptor);

// The same, and an error is not told by it.
bool ReceiveWouldWait(int descriptor);

// Blocks until there is something to receive, be it an end or an error; at most so long. Never on a
// worker.
bool AwaitBytes(int descriptor, Duration most);

Address LocalAddressOf(int descriptor);
// The error is ENOTCONN where the peer has gone again, another one for what is no socket.
Result<Address> PeerAddressOf(int descriptor);
// The one that all have connected to whom this listening socket accepts; no address where each has
// to be asked: it listens on all of the machine's, or is transparent.
Address LocalAddressOfAll(int listening);

}  // namespace poplar::io
