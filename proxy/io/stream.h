#pragma once

#include <optional>
#include <string_view>

#include "proxy/io/buffer.h"
#include "proxy/io/lookout.h"
#include "proxy/io/result.h"
#include "proxy/io/task.h"

namespace poplar::io {

class Proactor;

// A byte stream between two ends, plain or TLS. Reading and writing go on side by side; one read
// and one write at a time. Destroying a stream closes it, and is legal only when no task of it is
// running.
class Stream {
 public:
  virtual ~Stream() = default;

  // At least one byte; an empty buffer at the peer's orderly end; ECANCELED after CancelRead or
  // Abort. An end that TLS can't vouch for (a FIN without close_notify) is ECONNRESET.
  virtual Task<Result<Buffer>> Read() = 0;

  // Returns when the transport took all of it. `bytes` must stay valid until then.
  virtual Task<Result<>> Write(std::string_view bytes) = 0;

  // As Write, where more is written at once: a packet that isn't full may wait for it (200 ms at
  // most, should it not come).
  virtual Task<Result<>> WriteMore(std::string_view bytes) { return Write(bytes); }

  // Says that we write no more (close_notify, then FIN). Without it the peer can tell that the end
  // wasn't orderly.
  virtual Task<Result<>> ShutdownWrite() = 0;

  // Write, and ShutdownWrite behind it; in one packet where the stream can.
  virtual Task<Result<>> Finish(std::string_view last);

  // In place of a read that is likely to wait for long: begins `lookout`, which then stands for it.
  // False, and nothing has begun: a read would not wait, or the stream can't.
  virtual bool LookOut(Lookout& /*lookout*/) { return false; }

  // Ends the read in flight, or the lookout, if any, with ECANCELED; later reads work again. No
  // byte is lost.
  virtual void CancelRead() = 0;

  // Makes whatever is in flight end soon, and whatever is begun later fail. May be called at any
  // time, also twice.
  virtual void Abort() = 0;

  // Takes the stream from its worker, so that it can lie somewhere and go on at another one: Attach
  // there before anything else is called, the destructor included. False, and nothing has changed,
  // when something is under way, bytes are held, or the stream was aborted.
  virtual bool Detach() = 0;
  virtual void Attach(Proactor& proactor) = 0;

  // Why the last EPROTO, in short; may quote names of the peer's.
  virtual std::string_view Fault() const { return {}; }

  // Whether the peer has neither said anything that wasn't read nor closed. Not while reading.
  virtual bool Quiet() = 0;

  // After a read: whether the next one is likely to have something without waiting.
  virtual bool MoreWaits() const { return false; }

  // From here on a read brings at most kReceiveBytesMax, however much has come.
  virtual void TakeLittle() {}
};

}  // namespace poplar::io
