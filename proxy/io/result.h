#pragma once

#include <cerrno>
#include <string>
#include <tl/expected.hpp>

namespace poplar::io {

// What went wrong below the protocol: an errno value. ECANCELED stands for our own Abort or
// CancelRead, EPROTO for a TLS failure (the stream that reports it knows the text).
struct Error {
  int code = 0;

  bool cancelled() const { return code == ECANCELED; }
  bool reset() const { return code == ECONNRESET || code == EPIPE || code == ECONNABORTED; }
  std::string Text() const;  // "ECONNREFUSED: Connection refused"

  friend bool operator==(const Error&, const Error&) = default;
};

template <class T = void>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> Fail(int code) { return tl::unexpected<Error>(Error{code}); }

}  // namespace poplar::io
