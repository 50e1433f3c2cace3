#include "proxy/pop3/secret.h"

#include <string.h>  // explicit_bzero is no part of <cstring>

#include <algorithm>

namespace poplar::pop3 {

void Wipe(void* data, size_t bytes) {
  if (bytes > 0) explicit_bzero(data, bytes);
}

Secret Secret::Join(std::initializer_list<std::string_view> pieces) {
  Secret joined;
  for (std::string_view piece : pieces) joined.size_ += piece.size();
  if (joined.size_ == 0) return joined;
  joined.data_ = new char[joined.size_];
  char* end = joined.data_;
  for (std::string_view piece : pieces) end = std::copy(piece.begin(), piece.end(), end);
  return joined;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  Clear();
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

void Secret::Clear() {
  Wipe(data_, size_);
  delete[] data_;
  data_ = nullptr;
  size_ = 0;
}

}  // namespace poplar::pop3
