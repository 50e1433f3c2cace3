#include "tests/unit/proxy/cli/program.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace poplar::cli {
namespace {

constexpr unsigned kPatienceSeconds = 60;

// A file without a name: unlike a pipe it never fills up.
std::FILE* Scratch() {
  std::FILE* file = std::tmpfile();
  if (file == nullptr) std::abort();
  fcntl(fileno(file), F_SETFD, FD_CLOEXEC);
  return file;
}

std::string TakeText(std::FILE* file) {
  std::string text;
  std::rewind(file);
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
  std::fclose(file);
  return text;
}

}  // namespace

ProgramEnd RunProgram(const std::vector<std::string>& arguments,
                      const std::function<void()>& before) {
  std::FILE* out = Scratch();
  std::FILE* err = Scratch();
  std::vector<std::string> words = {POPLAR_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    dup2(fileno(out), STDOUT_FILENO);
    dup2(fileno(err), STDERR_FILENO);
    close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);  // ctest leaves some of its own open
    alarm(kPatienceSeconds);
    before();
    execv(argv[0], argv.data());
    _exit(126);
  }
  int status = 0;
  waitpid(child, &status, 0);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return {code, TakeText(out), TakeText(err)};
}

void LeaveSigtermPending() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  raise(SIGTERM);
}

}  // namespace poplar::cli
