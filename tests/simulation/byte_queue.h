#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace poplar::simulation {

// First-in first-out bytes.
class ByteQueue {
 public:
  size_t size() const { return bytes_.size() - begin_; }
  bool empty() const { return size() == 0; }
  std::string_view front(size_t n) const {
    assert(n <= size());
    return std::string_view(bytes_).substr(begin_, n);
  }

  void Append(std::string_view bytes) { bytes_.append(bytes); }
  void Drop(size_t n) {
    assert(n <= size());
    begin_ += n;
    if (begin_ < kCompactAt && begin_ < bytes_.size()) return;
    bytes_.erase(0, begin_);
    begin_ = 0;
  }
  void Clear() { Drop(size()); }

 private:
  static constexpr size_t kCompactAt = size_t{32} * 1024;
  std::string bytes_;
  size_t begin_ = 0;
};

}  // namespace poplar::simulation
