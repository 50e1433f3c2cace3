#pragma once

#include <termios.h>

#include <memory>
#include <string_view>

#include "proxy/cli/top_view.h"
#include "proxy/io/clock.h"

namespace poplar::cli {

// The terminal of this process as a screen that is drawn again and again: keys come one by one, and
// whatever ends the process, but for a SIGKILL, leaves the terminal as it was. One at a time.
class Terminal {
 public:
  // Null: standard input and output aren't both terminals.
  static std::unique_ptr<Terminal> Open();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  TopSize size() const;
  // False: it can't be written to any more.
  bool Draw(std::string_view picture) const;

  enum class Wake { kTime, kResized, kEnd };
  // Until then, or until the user or a signal wants the end (q, Ctrl-C, SIGTERM, a hang-up), or the
  // window has another size.
  Wake WaitUntil(const io::Clock& clock, io::Time until) const;

 private:
  explicit Terminal(const termios& before);

  const termios before_;
};

}  // namespace poplar::cli
