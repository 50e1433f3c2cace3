#pragma once

#include <gtest/gtest.h>

#include <string>

#include "proxy/io/engine.h"

namespace poplar::io {

inline std::string NameOfEngine(const testing::TestParamInfo<Engine>& info) {
  return info.param == Engine::kUring ? "IoUring" : "Epoll";
}

// A fixture that stands on what its parameter says. The contract is one, and so are its judges.
template <class Fixture>
class OnEngine : public Fixture, public testing::WithParamInterface<Engine> {
 protected:
  OnEngine() { this->engine_ = GetParam(); }
};

#define POPLAR_ON_BOTH_ENGINES(Fixture)                                                  \
  INSTANTIATE_TEST_SUITE_P(On, Fixture, testing::Values(Engine::kUring, Engine::kEpoll), \
                           NameOfEngine)

}  // namespace poplar::io
