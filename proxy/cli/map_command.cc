#include "proxy/cli/map_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string_view>
#include <tl/expected.hpp>

#include "proxy/cli/fail.h"
#include "proxy/config/quote.h"
#include "proxy/directory/user_map.h"
#include "proxy/directory/user_map_builder.h"

namespace poplar::cli {
namespace {

// Longer lines can't be right, and needn't be kept.
constexpr size_t kLineBytesMax = 4096;

bool WriteAll(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

// Beside the old file and then in its place, so that nobody ever sees half of it.
tl::expected<void, std::string> Replace(const std::string& path, std::string_view bytes) {
  std::string beside = path + ".XXXXXX";
  const int file = ::mkostemp(beside.data(), O_CLOEXEC);
  if (file < 0)
    return tl::unexpected("cannot write " + config::Quote(path) + ": " + std::strerror(errno));
  const bool done = WriteAll(file, bytes) && ::fchmod(file, 0644) == 0 && ::fsync(file) == 0;
  int fault = done ? 0 : errno;
  ::close(file);
  if (done && std::rename(beside.c_str(), path.c_str()) != 0) fault = errno;
  if (fault == 0) return {};
  ::unlink(beside.c_str());
  return tl::unexpected("cannot write " + config::Quote(path) + ": " + std::strerror(fault));
}

void ReadLines(std::istream& in, directory::UserMapBuilder& builder) {
  for (std::string line; std::getline(in, line);) {
    if (line.size() > kLineBytesMax) line = line.substr(0, kLineBytesMax);
    builder.AddLine(line);
  }
}

std::string Plural(uint64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

tl::expected<std::shared_ptr<const directory::UserMap>, std::string> Load(const std::string& file) {
  auto map = directory::UserMap::Load(file);
  if (!map) return tl::unexpected("user map " + config::Quote(file) + " " + map.error());
  return map;
}

}  // namespace

int RunMapBuild(const MapBuildOptions& options, std::istream& standard_input, std::ostream& out,
                std::ostream& err) {
  directory::UserMapBuilder builder({.keep_case = options.keep_case});
  const bool from_input = options.source == "-";
  std::ifstream file;
  if (!from_input) file.open(options.source);
  if (!from_input && !file) {
    return Fail(err, config::Quote(options.source) + " cannot be read: " + std::strerror(errno));
  }
  std::istream& in = from_input ? standard_input : file;
  ReadLines(in, builder);
  if (in.bad()) return Fail(err, config::Quote(options.source) + " cannot be read to its end");
  for (const std::string& fault : builder.faults()) err << options.source << ": " << fault << "\n";
  if (const size_t all = builder.faults_in_all(); all > 0) {
    const size_t more = all - builder.faults().size();
    if (more > 0) err << "and " << more << " more\n";
    return Fail(err,
                Plural(all, "mistake") + "; " + config::Quote(options.output) + " stays as it was");
  }
  const size_t users = builder.users();
  const std::string bytes = builder.Build();
  const auto written = Replace(options.output, bytes);
  if (!written) return Fail(err, written.error());
  out << options.output << ": " << Plural(users, "user") << ", " << bytes.size() << " bytes\n"
      << std::flush;
  return out.good() ? 0 : 1;
}

int RunMapGet(const std::string& file, const std::vector<std::string>& users, std::ostream& out,
              std::ostream& err) {
  const auto map = Load(file);
  if (!map) return Fail(err, map.error());
  int status = 0;
  for (const std::string& user : users) {
    const auto found = (*map)->Find(user);
    if (found) {
      out << user << " " << found->place << (found->login.empty() ? "" : " ") << found->login
          << "\n";
    } else {
      status = Fail(err, config::Quote(user) + " is not in it, nor is its domain");
    }
  }
  out << std::flush;
  return out.good() ? status : 1;
}

int RunMapCheck(const std::string& file, std::ostream& out, std::ostream& err) {
  const auto map = Load(file);
  if (!map) return Fail(err, map.error());
  const auto& places = (*map)->places();
  const std::vector<uint64_t> users = (*map)->UsersByPlace();
  size_t widest = 0;
  for (std::string_view place : places) widest = std::max(widest, place.size());
  out << file << ": " << Plural((*map)->users(), "user") << ", " << Plural(places.size(), "place")
      << "\n";
  for (size_t i = 0; i < places.size(); ++i)
    out << fmt::format("  {:<{}}  {}\n", places[i], widest, users[i]);
  out << std::flush;
  return out.good() ? 0 : 1;
}

}  // namespace poplar::cli
