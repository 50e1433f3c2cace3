#include "proxy/io/stream.h"

namespace poplar::io {

Task<Result<>> Stream::Finish(std::string_view last) {
  const Result<> written = co_await Write(last);
  if (!written) co_return written;
  co_return co_await ShutdownWrite();
}

}  // namespace poplar::io
