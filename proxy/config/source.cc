#include "proxy/config/source.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

#include "proxy/config/yaml_tree.h"

namespace poplar::config {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// The file's first bytes, or why there are none to be had.
tl::expected<std::string, std::string> ReadUpTo(const std::string& path, size_t most) {
  std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rbe"));
  if (!file) return tl::make_unexpected(std::string(std::strerror(errno)));
  std::string bytes(most, '\0');
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file.get()));
  // A directory opens, and fails here.
  if (std::ferror(file.get()) != 0) return tl::make_unexpected(std::string(std::strerror(errno)));
  return bytes;
}

}  // namespace

tl::expected<Source, Problem> ReadSource(const std::string& path) {
  auto text = ReadUpTo(path, kMaxFileBytes + 1);
  if (!text) {
    return tl::make_unexpected(
        Problem{Severity::kError, {}, {}, "cannot be read: " + text.error(), {}, {}});
  }
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text->starts_with(kByteOrderMark)) text->erase(0, kByteOrderMark.size());
  return Source{path, std::move(*text)};
}

std::string WhyUnreadable(const std::string& path) {
  auto first_byte = ReadUpTo(path, 1);
  if (!first_byte) return first_byte.error();
  return first_byte->empty() ? "the file is empty" : "";
}

}  // namespace poplar::config
