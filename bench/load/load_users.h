#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace poplar::bench {

// The users that `poplar_load nodes` serves and the other modes log in as.
inline std::string LoadUser(unsigned number) {
  char name[40];
  const int size = std::snprintf(name, sizeof(name), "user%05u@example.com", number);
  return std::string(name, static_cast<size_t>(size));
}
inline constexpr std::string_view kLoadPassword = "password";

}  // namespace poplar::bench
