#include "proxy/cli/secret_input.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace poplar::cli {
namespace {

using Read = tl::expected<pop3::Secret, std::string>;
// Room for its line end; one byte more shows that it is too long.
using FirstBytes = std::array<char, kSecretBytesMax + 2>;

volatile sig_atomic_t interrupted_by = 0;

void NoteSignal(int signal) { interrupted_by = signal; }

tl::unexpected<std::string> Fault(const std::string& where, const std::string& text) {
  return tl::unexpected(where + " " + text);
}

Read FirstLine(std::string_view text, const std::string& where) {
  const size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  if (end != line.npos && line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty())
    return Fault(where, "has nothing in its first line: a password or token is expected there");
  if (line.size() > kSecretBytesMax) {
    return Fault(where, "has a first line of more than " + std::to_string(kSecretBytesMax) +
                            " bytes: no server takes that");
  }
  const bool has_control = std::any_of(line.begin(), line.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (has_control) return Fault(where, "has a control character in its first line");
  return pop3::Secret(line);
}

// A read, with a wait before it that takes in what signals `meanwhile` lets through: they are
// blocked until then, so that none comes just before the wait and is missed. Null: no wait.
ssize_t ReadSome(int file, char* bytes, size_t size, const sigset_t* meanwhile) {
  pollfd wanted = {.fd = file, .events = POLLIN, .revents = 0};
  if (meanwhile != nullptr && ppoll(&wanted, 1, nullptr, meanwhile) < 0) return -1;
  return read(file, bytes, size);
}

// Until the end of the first line. Without stdio, whose buffers would keep the secret. A signal
// that NoteSignal has noted ends it.
tl::expected<size_t, int> ReadBytes(int file, FirstBytes& bytes, const sigset_t* meanwhile) {
  size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got = ReadSome(file, bytes.data() + size, bytes.size() - size, meanwhile);
    if (got < 0 && errno == EINTR && interrupted_by == 0) continue;
    if (got < 0) return tl::unexpected(errno);
    size += static_cast<size_t>(got);
    if (got == 0 || std::find(bytes.data(), bytes.data() + size, '\n') != bytes.data() + size)
      break;
  }
  return size;
}

Read ReadLine(int file, const std::string& where, const sigset_t* meanwhile) {
  FirstBytes bytes;
  const auto size = ReadBytes(file, bytes, meanwhile);
  Read secret = size ? FirstLine({bytes.data(), *size}, where)
                     : Fault(where, std::string("cannot be read: ") + std::strerror(size.error()));
  pop3::Wipe(bytes.data(), bytes.size());
  return secret;
}

// While it lives: the terminal shows nothing, and signals that would end the program are held back
// until a read waits, which notes them.
class QuietTerminal {
 public:
  explicit QuietTerminal(int terminal) : terminal_(terminal) {
    interrupted_by = 0;
    sigset_t held;
    sigemptyset(&held);
    for (const int signal : kSignals) sigaddset(&held, signal);
    pthread_sigmask(SIG_BLOCK, &held, &mask_);
    struct sigaction note = {};
    note.sa_handler = &NoteSignal;
    for (size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &note, &before_[i]);
    if (tcgetattr(terminal_, &shown_) != 0) return;
    termios quiet = shown_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    is_quiet_ = tcsetattr(terminal_, TCSAFLUSH, &quiet) == 0;
  }
  ~QuietTerminal() {
    if (is_quiet_) tcsetattr(terminal_, TCSAFLUSH, &shown_);
    for (size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &before_[i], nullptr);
    pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;

  bool is_quiet() const { return is_quiet_; }
  // Which signals are blocked outside of its life.
  const sigset_t* mask() const { return &mask_; }

 private:
  static constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

  const int terminal_;
  bool is_quiet_ = false;
  sigset_t mask_ = {};
  termios shown_ = {};
  std::array<struct sigaction, kSignals.size()> before_ = {};
};

}  // namespace

Read ReadSecretLine(int file, const std::string& where) { return ReadLine(file, where, nullptr); }

Read ReadSecretFile(const std::string& path) {
  if (path == "-") return ReadSecretLine(STDIN_FILENO, "standard input");
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return Fault(path, std::string("cannot be read: ") + std::strerror(errno));
  Read secret = ReadSecretLine(file, path);
  close(file);
  return secret;
}

Read AskForSecret(int terminal, const std::string& question, std::ostream& err) {
  Read secret = Fault("the terminal", "cannot be kept from showing what is typed");
  {
    // Before the question: who types ahead isn't shown either.
    const QuietTerminal quiet(terminal);
    if (quiet.is_quiet()) {
      err << question << std::flush;
      secret = ReadLine(terminal, "the terminal", quiet.mask());
    }
  }
  err << "\n" << std::flush;
  // As if it had come now that the terminal shows again what is typed.
  if (interrupted_by != 0) raise(static_cast<int>(interrupted_by));
  return secret;
}

}  // namespace poplar::cli
