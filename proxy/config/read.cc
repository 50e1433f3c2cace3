#include "proxy/config/read.h"

#include <utility>

#include "proxy/config/field_reader.h"
#include "proxy/config/yaml_tree.h"

namespace poplar::config {
namespace {

std::string FolderOf(const std::string& file) {
  const size_t slash = file.rfind('/');
  return slash == std::string::npos ? "" : file.substr(0, slash + 1);
}

}  // namespace

ReadResult Read(const Source& source) {
  SystemReferences references;
  return Read(source, references);
}

ReadResult Read(const Source& source, ReferenceSource& references) {
  ReadResult result;
  YamlTree tree = ParseYaml(source.text);
  const std::string folder = FolderOf(source.name);
  if (tree.complete) result.references = ResolveReferences(tree, folder, references);
  result.problems = std::move(tree.problems);
  if (!tree.complete) {
    result.complete = false;
    return result;
  }
  if (tree.root.kind == YamlNode::Kind::kNull) {
    tree.root.kind = YamlNode::Kind::kMap;
    tree.root.at = {};
  }
  if (tree.root.kind != YamlNode::Kind::kMap) {
    result.problems.push_back({Severity::kError,
                               tree.root.at,
                               {},
                               "the file is not made of keys and values",
                               "keys such as \"listeners:\" and \"clusters:\"",
                               {}});
    result.complete = false;
    return result;
  }
  ReadState state = {result.problems, result.positions, folder};
  FieldReader reader(tree.root, "", state);
  Describe(reader, result.config);
  reader.Finish();
  MaskValues(result.references.values, result.problems);
  return result;
}

}  // namespace poplar::config
