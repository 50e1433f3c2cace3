#include "proxy/io/result.h"

#include <cstring>

namespace poplar::io {

std::string Error::Text() const {
  const char* name = strerrorname_np(code);
  const char* description = strerrordesc_np(code);
  if (name == nullptr) return "errno " + std::to_string(code);
  return std::string(name) + ": " + (description == nullptr ? "" : description);
}

}  // namespace poplar::io
