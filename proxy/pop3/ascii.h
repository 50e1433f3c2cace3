#pragma once

#include <cstddef>
#include <string_view>

// Letters as POP3 compares them: ASCII only, whatever the process's locale says.
namespace poplar::pop3 {

constexpr char ToUpper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

constexpr char ToLower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

constexpr bool IsLetterOrDigit(char c) {
  const char upper = ToUpper(c);
  return (upper >= 'A' && upper <= 'Z') || (c >= '0' && c <= '9');
}

constexpr bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (ToUpper(a[i]) != ToUpper(b[i])) return false;
  }
  return true;
}

}  // namespace poplar::pop3
