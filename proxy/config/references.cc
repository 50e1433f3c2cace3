#include "proxy/config/references.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

#include "proxy/config/positions.h"
#include "proxy/config/quote.h"

namespace poplar::config {
namespace {

constexpr std::string_view kForms =
    "${file:PATH}, ${env:NAME} or ${credential:NAME}; $${ stands for ${ itself";
constexpr const char* kCredentialsFolder = "CREDENTIALS_DIRECTORY";

using Value = ReferenceSource::Value;

Value ReadAll(int file) {
  struct stat status = {};
  // A pipe or a terminal would keep whoever reads waiting.
  if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode))
    return tl::unexpected(std::string("is no file"));
  std::string bytes(kReferenceBytesMax + 1, '\0');
  size_t size = 0;
  ssize_t got = 0;
  do {
    got = ::read(file, bytes.data() + size, bytes.size() - size);
    if (got > 0) size += static_cast<size_t>(got);
  } while ((got > 0 && size < bytes.size()) || (got < 0 && errno == EINTR));
  if (got < 0) return tl::unexpected("cannot be read: " + std::string(std::strerror(errno)));
  bytes.resize(size);
  return bytes;
}

// Walks over the values of one tree.
class Resolver {
 public:
  Resolver(YamlTree& tree, const std::string& folder, ReferenceSource& source)
      : tree_(tree), folder_(folder), source_(source) {}

  void Walk(YamlNode& node, const std::string& path) {
    if (node.kind == YamlNode::Kind::kScalar && node.scalar.find("${") != std::string::npos)
      Resolve(node, path);
    for (YamlEntry& entry : node.entries) Walk(entry.value, ChildPath(path, PathKey(entry.key)));
    for (size_t i = 0; i < node.items.size(); ++i) Walk(node.items[i], ItemPath(path, i));
  }

  ResolvedReferences Take() { return std::move(resolved_); }

 private:
  void Resolve(YamlNode& node, const std::string& path) {
    std::string text;
    const std::string_view from = node.scalar;
    for (size_t at = 0; at < from.size();) {
      const std::string_view rest = from.substr(at);
      if (rest.starts_with("$${")) {
        text += "${";
        at += 3;
      } else if (!rest.starts_with("${")) {
        text += from[at++];
      } else {
        const size_t end = rest.find('}');
        const std::string reference(rest.substr(0, end == rest.npos ? end : end + 1));
        if (!Append(node, path, reference, text)) return;
        at += reference.size();
      }
    }
    node.scalar = std::move(text);
  }

  // False: it can't be; that is reported.
  bool Append(YamlNode& node, const std::string& path, const std::string& reference,
              std::string& text) {
    const auto fault = [&](std::string message) {
      tree_.problems.push_back(
          {source_.missing(), node.at, path, std::move(message), std::string(kForms), {}});
      node.kind = YamlNode::Kind::kRejected;
      return false;
    };
    if (++count_ > kReferencesMax)
      return fault("more than " + std::to_string(kReferencesMax) + " references in one file");
    if (!reference.ends_with('}')) return fault(Quote(reference) + " has no closing }");
    auto value = Find(std::string_view(reference).substr(2, reference.size() - 3));
    if (!value) return fault(Quote(reference) + " " + value.error());
    if (text.size() + value->size() > kReferenceBytesMax) {
      return fault(Quote(reference) + " makes the value longer than " +
                   std::to_string(kReferenceBytesMax) + " bytes");
    }
    node.is_secret = true;
    text += *value;
    if (!value->empty()) resolved_.values.push_back(std::move(*value));
    return true;
  }

  Value Find(std::string_view reference) {
    const size_t colon = reference.find(':');
    const std::string_view kind = reference.substr(0, colon);
    const std::string name(colon == reference.npos ? "" : reference.substr(colon + 1));
    if (kind == "env" && !name.empty()) return source_.Variable(name);
    if (kind == "file" && !name.empty()) return ReadFile(name[0] == '/' ? name : folder_ + name);
    if (kind == "credential" && !name.empty()) return Credential(name);
    return tl::unexpected(std::string("is no reference"));
  }

  Value Credential(const std::string& name) {
    if (name.find('/') != std::string::npos)
      return tl::unexpected(std::string("is no name of a credential"));
    const auto folder = source_.Variable(kCredentialsFolder);
    if (!folder) {
      return tl::unexpected("can't be had: systemd has given no credentials (LoadCredential=" +
                            name + ":... in the unit)");
    }
    return ReadFile(*folder + "/" + name);
  }

  // Without the line end that editors put behind everything.
  Value ReadFile(const std::string& path) {
    if (path.find('\0') != std::string::npos) return tl::unexpected(std::string("contains a NUL"));
    resolved_.files.push_back(path);
    auto value = source_.File(path);
    if (!value) return value;
    if (value->ends_with('\n')) value->pop_back();
    if (value->ends_with('\r')) value->pop_back();
    if (value->empty()) return tl::unexpected(std::string("is empty"));
    if (value->find('\0') != std::string::npos)
      return tl::unexpected(std::string("is no text: it contains a NUL"));
    return value;
  }

  YamlTree& tree_;
  const std::string& folder_;
  ReferenceSource& source_;
  ResolvedReferences resolved_;
  size_t count_ = 0;
};

void Mask(std::string& text, const std::string& what) {
  for (size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + kMasked.size()))
    text.replace(at, what.size(), kMasked);
}

}  // namespace

Value SystemReferences::File(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return tl::unexpected("cannot be read: " + std::string(std::strerror(errno)));
  Value value = ReadAll(file);
  ::close(file);
  return value;
}

Value SystemReferences::Variable(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  if (value == nullptr) return tl::unexpected(std::string("is not set"));
  return std::string(value);
}

ResolvedReferences ResolveReferences(YamlTree& tree, const std::string& folder,
                                     ReferenceSource& source) {
  Resolver resolver(tree, folder, source);
  resolver.Walk(tree.root, "");
  return resolver.Take();
}

void MaskValues(const std::vector<std::string>& values, Problems& problems) {
  for (const std::string& value : values) {
    // As it stands between quotation marks, cut and escaped.
    const std::string quoted = Quote(value);
    const std::string inside = quoted.substr(1, quoted.size() - 2);
    for (Problem& problem : problems) {
      for (std::string* text : {&problem.message, &problem.expected, &problem.suggestion}) {
        if (text->empty()) continue;
        Mask(*text, value);
        Mask(*text, inside);
      }
    }
  }
}

}  // namespace poplar::config
