#pragma once

#include <string>
#include <utility>

#include "proxy/config/positions.h"
#include "proxy/config/problem.h"

namespace poplar::config {

// Collects the problems of one check, each placed by its path; drops those about settings that were
// not read.
class Findings {
 public:
  explicit Findings(const Positions& positions) : positions_(positions) {}

  void Error(const std::string& path, std::string message, std::string expected = {},
             std::string suggestion = {}) {
    Add(Severity::kError, path, std::move(message), std::move(expected), std::move(suggestion));
  }
  void Warning(const std::string& path, std::string message, std::string expected = {}) {
    Add(Severity::kWarning, path, std::move(message), std::move(expected), {});
  }

  bool IsUnread(const std::string& path) const { return positions_.IsUnread(path); }
  bool IsInFile(const std::string& path) const { return positions_.Contains(path); }

  // " (line 12)", for a message that points at a second place; empty where the file does not say.
  std::string AtLine(const std::string& path) const {
    const Position at = positions_.Find(path);
    return at.line == 0 ? "" : " (line " + std::to_string(at.line) + ")";
  }

  Problems Take() { return std::move(problems_); }

 private:
  void Add(Severity severity, const std::string& path, std::string message, std::string expected,
           std::string suggestion) {
    if (IsUnread(path)) return;
    problems_.push_back({severity, positions_.Find(path), path, std::move(message),
                         std::move(expected), std::move(suggestion)});
  }

  const Positions& positions_;
  Problems problems_;
};

}  // namespace poplar::config
