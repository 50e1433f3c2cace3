#pragma once

#include <cstdlib>
#include <string_view>

#include "proxy/io/engine.h"

namespace poplar::io {

// What tests of things above the proactor run on: POPLAR_TEST_IO is epoll, or io_uring (which is
// also what it is without it).
inline Engine EngineOfTests() {
  const char* const wanted = std::getenv("POPLAR_TEST_IO");
  return wanted != nullptr && std::string_view(wanted) == "epoll" ? Engine::kEpoll : Engine::kUring;
}

inline EngineWish WishOfTests() {
  return EngineOfTests() == Engine::kEpoll ? EngineWish::kEpoll : EngineWish::kUring;
}

}  // namespace poplar::io
