#include "proxy/cli/terminal.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <string>
#include <utility>

namespace poplar::cli {
namespace {

constexpr std::array<int, 4> kEnding = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
// At signals that came just before a read began.
constexpr cc_t kLookTenths = 2;

volatile sig_atomic_t end_wanted = 0;
volatile sig_atomic_t resized = 0;

void OnEnd(int /*signal*/) { end_wanted = 1; }
void OnResize(int /*signal*/) { resized = 1; }

// Reads are to come back.
void Handle(int signal, void (*handler)(int)) {
  struct sigaction action{};
  action.sa_handler = handler;
  sigaction(signal, &action, nullptr);
}

bool WriteAll(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

}  // namespace

std::unique_ptr<Terminal> Terminal::Open() {
  termios before{};
  if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1) return nullptr;
  if (tcgetattr(STDIN_FILENO, &before) != 0) return nullptr;
  return std::unique_ptr<Terminal>(new Terminal(before));
}

Terminal::Terminal(const termios& before) : before_(before) {
  for (const int signal : kEnding) Handle(signal, &OnEnd);
  Handle(SIGWINCH, &OnResize);
  Handle(SIGPIPE, SIG_IGN);
  termios raw = before_;
  raw.c_lflag &= static_cast<tcflag_t>(~(ICANON | ECHO));
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = kLookTenths;
  // A stopped process would leave the screen as it is.
  raw.c_cc[VSUSP] = _POSIX_VDISABLE;
  tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  WriteAll("\x1b[?1049h\x1b[?25l");  // the other screen, no cursor
}

Terminal::~Terminal() {
  WriteAll("\x1b[0m\x1b[?25h\x1b[?1049l");
  tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

TopSize Terminal::size() const {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
    return {};
  return {size.ws_col, size.ws_row};
}

bool Terminal::Draw(std::string_view picture) const {
  // Over the old picture, each line cleared to its end: nothing flickers. The last line end would
  // scroll.
  std::string bytes = "\x1b[H";
  if (picture.ends_with('\n')) picture.remove_suffix(1);
  for (const char c : picture) {
    if (c == '\n') bytes += "\x1b[K\r";
    bytes += c;
  }
  return WriteAll(bytes + "\x1b[K\x1b[J");
}

Terminal::Wake Terminal::WaitUntil(const io::Clock& clock, io::Time until) const {
  while (end_wanted == 0 && clock.Now() < until) {
    if (std::exchange(resized, 0) != 0) return Wake::kResized;
    char key = 0;
    const ssize_t n = ::read(STDIN_FILENO, &key, 1);
    if (n > 0 && (key == 'q' || key == 'Q')) return Wake::kEnd;
    if (n < 0 && errno != EINTR) return Wake::kEnd;  // the terminal has gone
  }
  return end_wanted != 0 ? Wake::kEnd : Wake::kTime;
}

}  // namespace poplar::cli
