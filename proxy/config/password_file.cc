#include "proxy/config/password_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace poplar::config {
namespace {

// Room for the longest password and its line end; one byte more shows that it is too long.
using FirstBytes = std::array<char, kMaxPasswordBytes + 2>;

// Without stdio, whose buffers would keep the password.
tl::expected<size_t, std::string> ReadFirstBytes(const std::string& path, FirstBytes& bytes) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return tl::unexpected(std::string(std::strerror(errno)));
  size_t size = 0;
  ssize_t got = 0;
  do {
    got = read(file, bytes.data() + size, bytes.size() - size);
    if (got > 0) size += static_cast<size_t>(got);
  } while ((got > 0 && size < bytes.size()) || (got < 0 && errno == EINTR));
  const int failure = got < 0 ? errno : 0;
  close(file);
  if (failure != 0) return tl::unexpected(std::string(std::strerror(failure)));
  return size;
}

tl::expected<std::string, std::string> FirstLine(std::string_view text) {
  const size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  if (end != std::string_view::npos && line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) return tl::unexpected(std::string("has an empty first line"));
  if (line.size() > kMaxPasswordBytes) {
    return tl::unexpected("has a first line of more than " + std::to_string(kMaxPasswordBytes) +
                          " bytes");
  }
  const bool has_control = std::any_of(line.begin(), line.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (has_control) return tl::unexpected(std::string("has a control character in its first line"));
  return std::string(line);
}

}  // namespace

tl::expected<std::string, std::string> ReadPasswordFile(const std::string& path) {
  FirstBytes bytes;
  const auto size = ReadFirstBytes(path, bytes);
  if (!size) return tl::unexpected("cannot be read: " + size.error());
  auto password = FirstLine({bytes.data(), *size});
  explicit_bzero(bytes.data(), bytes.size());
  return password;
}

}  // namespace poplar::config
