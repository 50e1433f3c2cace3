#include "proxy/handover/program.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

#include "proxy/handover/predecessor.h"

namespace poplar::handover {
namespace {

// Of the service manager to its one child, or of a process to its successor: no other's business.
constexpr std::array<std::string_view, 5> kOwnVariables = {
    "LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES=", "WATCHDOG_PID=", "POPLAR_HANDOVER="};

std::vector<std::string> Arguments() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  std::vector<std::string> arguments;
  for (size_t at = 0; at < bytes.size();) {
    const size_t end = std::min(bytes.find('\0', at), bytes.size());
    arguments.push_back(bytes.substr(at, end - at));
    at = end + 1;
  }
  return arguments;
}

// As it was named, if that is a path: it may be a link, which an upgrade lets lead elsewhere.
std::string PathOf(const std::vector<std::string>& arguments) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (arguments.empty() || arguments.front().find('/') == std::string::npos) return self;
  const std::filesystem::path named = std::filesystem::absolute(arguments.front(), error);
  return std::filesystem::equivalent(named, self, error) ? named : self;
}

std::vector<std::string> Environment() {
  std::vector<std::string> environment;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view variable = *each;
    const bool is_own =
        std::any_of(kOwnVariables.begin(), kOwnVariables.end(),
                    [variable](std::string_view prefix) { return variable.starts_with(prefix); });
    if (!is_own) environment.emplace_back(variable);
  }
  return environment;
}

}  // namespace

Program Program::OfThisProcess() {
  Program program;
  program.arguments_ = Arguments();
  program.path_ = PathOf(program.arguments_);
  return program;
}

io::Result<io::ChildProcess> Program::Start(int channel) const {
  io::ChildProcess::Program program{path_, arguments_, Environment()};
  program.environment.push_back(std::string(Predecessor::kVariable) + "=" +
                                std::to_string(io::ChildProcess::kPassed));
  return io::ChildProcess::Start(program, channel);
}

}  // namespace poplar::handover
