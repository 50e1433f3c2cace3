#include "metrics/labels.h"

namespace poplar::metrics {
namespace {

std::vector<LabelPairs> Single(std::string_view name, const std::vector<std::string>& texts) {
  std::vector<LabelPairs> values;
  values.reserve(texts.size());
  for (const std::string& text : texts) values.push_back({{name, text}});
  return values;
}

}  // namespace

template <>
std::vector<LabelPairs> ValuesOf<Listener>(const Dimensions& dimensions) {
  return Single("listener", dimensions.listeners);
}

template <>
std::vector<LabelPairs> ValuesOf<Cluster>(const Dimensions& dimensions) {
  return Single("cluster", dimensions.clusters);
}

template <>
std::vector<LabelPairs> ValuesOf<Command>(const Dimensions& dimensions) {
  return Single("command", dimensions.commands);
}

template <>
std::vector<LabelPairs> ValuesOf<Certificate>(const Dimensions& dimensions) {
  return Single("certificate", dimensions.certificates);
}

template <>
std::vector<LabelPairs> ValuesOf<UserMap>(const Dimensions& dimensions) {
  return Single("file", dimensions.user_maps);
}

template <>
std::vector<LabelPairs> ValuesOf<Discovered>(const Dimensions& dimensions) {
  return Single("cluster", dimensions.discovered);
}

template <>
std::vector<LabelPairs> ValuesOf<Move>(const Dimensions& dimensions) {
  return Single("move", dimensions.moves);
}

template <>
std::vector<LabelPairs> ValuesOf<Directory>(const Dimensions& dimensions) {
  return Single("directory", dimensions.directories);
}

template <>
std::vector<LabelPairs> ValuesOf<SharedState>(const Dimensions& dimensions) {
  return Single("store", dimensions.shared_states);
}

template <>
std::vector<LabelPairs> ValuesOf<Node>(const Dimensions& dimensions) {
  std::vector<LabelPairs> values;
  values.reserve(dimensions.nodes.size());
  for (const auto& [cluster, node] : dimensions.nodes) {
    values.push_back({{"cluster", cluster}, {"node", node}});
  }
  return values;
}

template <>
std::vector<LabelPairs> ValuesOf<SessionEnd>(const Dimensions& dimensions) {
  std::vector<LabelPairs> values;
  values.reserve(dimensions.session_ends.size());
  for (const auto& [reason, side] : dimensions.session_ends) {
    values.push_back({{"reason", reason}, {"side", side}});
  }
  return values;
}

template <>
std::vector<LabelPairs> ValuesOf<IoEngine>(const Dimensions& dimensions) {
  std::vector<LabelPairs> values;
  values.reserve(dimensions.io_engines.size());
  for (const auto& [engine, reason] : dimensions.io_engines) {
    values.push_back({{"engine", engine}, {"reason", reason}});
  }
  return values;
}

}  // namespace poplar::metrics
