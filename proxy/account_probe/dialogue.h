#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "proxy/account_probe/account_steps.h"
#include "proxy/account_probe/shown_text.h"
#include "proxy/io/proactor.h"
#include "proxy/io/stream.h"

namespace poplar::tls {
class TlsStream;
}

namespace poplar::account_probe {

// What is said with a server, over whichever stream it is by now: commands out, lines and
// multi-line answers in. Faults come as findings fit to be shown. Whoever uses it bounds its time
// with Expire.
class Dialogue {
 public:
  // `shown` must outlive it.
  explicit Dialogue(const ShownText& shown) : shown_(shown) {}

  // From here on over this stream; `secured`: it is that one.
  void Use(std::unique_ptr<io::Stream> stream, const tls::TlsStream* secured = nullptr);
  std::unique_ptr<io::Stream> TakeStream() { return std::move(stream_); }
  bool connected() const { return stream_ != nullptr; }

  template <class T>
  using Heard = tl::expected<T, Finding>;

  io::Task<Heard<bool>> Send(std::string_view bytes);
  // The next line, without its end. One longer than `bytes_max` is kTooMuch.
  io::Task<Heard<std::string>> ReadLine(size_t bytes_max);
  // A command, without its end, and the one line that answers it: "+OK..." or "-ERR...".
  io::Task<Heard<std::string>> Ask(std::string_view command);
  // A command with a multi-line answer, of which `sink` gets all bytes, the terminator's too, piece
  // by piece. The status line comes back, without its end. More than `bytes_max` is kTooMuch.
  using Sink = std::function<void(std::string_view)>;
  io::Task<Heard<std::string>> AskForMore(std::string_view command, size_t bytes_max,
                                          const Sink& sink);
  // As far as it still can: says that nothing more will come.
  io::Task<void> Close();

  // Whether the server has said more than it was asked.
  bool has_stray_bytes() const { return !input_.empty(); }
  // Of the line that wasn't whole when ReadLine failed.
  const std::string& fragment() const { return line_; }

  // The time is up: whatever is under way ends soon, as kTimeout.
  void Expire();
  Finding FromIo(const io::Error& error) const;

 private:
  io::Task<Heard<bool>> Receive();

  const ShownText& shown_;
  std::unique_ptr<io::Stream> stream_;
  const tls::TlsStream* secured_ = nullptr;
  io::Buffer input_;
  std::string line_;
  bool expired_ = false;
};

}  // namespace poplar::account_probe
