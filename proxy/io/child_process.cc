#include "proxy/io/child_process.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

namespace poplar::io {
namespace {

std::vector<char*> PointersTo(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::string HowItEnded(int status) {
  if (WIFSIGNALED(status)) return "was ended by signal " + std::to_string(WTERMSIG(status));
  return "ended with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Result<ChildProcess> ChildProcess::Start(const Program& program, int passed) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, passed, kPassed);
  posix_spawn_file_actions_addclosefrom_np(&actions, kPassed + 1);
  const std::vector<char*> arguments = PointersTo(program.arguments);
  const std::vector<char*> environment = PointersTo(program.environment);
  pid_t pid = -1;
  const int code = posix_spawn(&pid, program.path.c_str(), &actions, nullptr, arguments.data(),
                               environment.data());
  posix_spawn_file_actions_destroy(&actions);
  if (code != 0) return Fail(code);
  return ChildProcess(pid);
}

std::optional<std::string> ChildProcess::Ended() {
  int status = 0;
  if (!ended_ && waitpid(pid_, &status, WNOHANG) == pid_) ended_ = HowItEnded(status);
  return ended_;
}

void ChildProcess::Kill() {
  if (!Ended()) kill(pid_, SIGKILL);
}

}  // namespace poplar::io
