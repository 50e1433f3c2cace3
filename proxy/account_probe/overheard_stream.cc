#include "proxy/account_probe/overheard_stream.h"

#include <utility>

#include "proxy/account_probe/limits.h"

namespace poplar::account_probe {

io::Task<io::Result<io::Buffer>> OverheardStream::Read() {
  io::Result<io::Buffer> read = co_await inner_->Read();
  if (read && first_bytes_.size() < kFirstBytesMax)
    first_bytes_.append(read->bytes().substr(0, kFirstBytesMax - first_bytes_.size()));
  co_return std::move(read);
}

}  // namespace poplar::account_probe
