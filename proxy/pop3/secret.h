#pragma once

#include <cstddef>
#include <initializer_list>
#include <iosfwd>
#include <string_view>
#include <utility>

namespace poplar::pop3 {

// Zeroes memory in a way the optimiser must keep, even right before it is freed.
void Wipe(void* data, size_t bytes);

// A password or token. Wipes its bytes when it is destroyed, assigned over or moved from; is never
// copied implicitly and cannot be printed.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view bytes) : Secret(Join({bytes})) {}
  // One secret out of several pieces, without a copy of them left anywhere else.
  static Secret Join(std::initializer_list<std::string_view> pieces);

  Secret(Secret&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { Clear(); }

  // The bytes, for the one who sends them on. Valid until the secret is moved, cleared or
  // destroyed.
  std::string_view Expose() const { return {data_, size_}; }
  bool empty() const { return size_ == 0; }
  void Clear();

  friend std::ostream& operator<<(std::ostream&, const Secret&) = delete;

 private:
  char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace poplar::pop3
