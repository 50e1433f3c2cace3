#pragma once

#include <utility>

#include "proxy/io/result.h"

namespace poplar::io {

// A file descriptor that somebody owns.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) Reset(other.Release());
    return *this;
  }
  ~Descriptor() { Reset(); }

  explicit operator bool() const { return number_ >= 0; }
  int get() const { return number_; }
  int Release() { return std::exchange(number_, -1); }
  void Reset(int number = -1);

 private:
  int number_ = -1;
};

// Another number for the same open file; it closes on exec.
Result<Descriptor> Duplicate(int descriptor);

// False: there is no such descriptor.
bool CloseOnExec(int descriptor);

// Of the open file, and so of all numbers that it has, in other processes too.
Result<> SetBlocking(int descriptor, bool blocks);

// Whether it is a TCP socket that listens.
bool Listens(int descriptor);
// Whether others may listen on its address beside it (SO_REUSEPORT).
bool SharesItsPort(int descriptor);

}  // namespace poplar::io
