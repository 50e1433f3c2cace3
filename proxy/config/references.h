#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "proxy/config/problem.h"
#include "proxy/config/yaml_tree.h"

// Values that stand elsewhere than in the configuration file, because they are secret or another
// one's to choose: ${file:PATH}, ${env:NAME} and ${credential:NAME} in any value. They are put in
// after the file has been taken apart, so that whatever they hold is text and nothing else; $${
// stands for ${ itself.
namespace poplar::config {

// A key's passphrase or a token is a line; a whole certificate would still fit.
inline constexpr size_t kReferenceBytesMax = size_t{64} << 10;
// In one file.
inline constexpr size_t kReferencesMax = 1000;

// Where they are. The errors fit behind the reference: "is not set".
class ReferenceSource {
 public:
  using Value = tl::expected<std::string, std::string>;
  virtual ~ReferenceSource() = default;
  virtual Value File(const std::string& path) = 0;
  virtual Value Variable(const std::string& name) = 0;
  // What a missing one is.
  virtual Severity missing() const { return Severity::kError; }
};

// The process's own files and environment.
class SystemReferences final : public ReferenceSource {
 public:
  Value File(const std::string& path) override;
  Value Variable(const std::string& name) override;
};

// The same for whoever only wants a part of the settings: another process's values may be out of
// reach here, and a setting without its value is as good as not said.
class ReachableReferences final : public ReferenceSource {
 public:
  Value File(const std::string& path) override { return system_.File(path); }
  Value Variable(const std::string& name) override { return system_.Variable(name); }
  Severity missing() const override { return Severity::kWarning; }

 private:
  SystemReferences system_;
};

struct ResolvedReferences {
  std::vector<std::string> values;  // which nobody may print
  std::vector<std::string> files;   // they were read from
};

// Puts them into the tree's values and marks those (YamlNode::is_secret); what is missing or makes
// no sense is reported, and the value rejected. `folder`: what relative paths are relative to;
// empty or ending in '/'.
ResolvedReferences ResolveReferences(YamlTree& tree, const std::string& folder,
                                     ReferenceSource& source);

// Replaces the values wherever problems quote them.
void MaskValues(const std::vector<std::string>& values, Problems& problems);

// What stands where a value may not be printed.
inline constexpr std::string_view kMasked = "***";

}  // namespace poplar::config
