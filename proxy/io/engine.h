#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "proxy/io/proactor.h"
#include "proxy/io/uring_ring.h"

namespace poplar::io {

// What of the kernel a real world is built on. All workers of a process are on the same: their
// sockets are of one kind, and change hands.
enum class Engine : uint8_t { kUring, kEpoll };

std::string_view NameOf(Engine engine);

// What an operator may ask for: kAuto is io_uring, and epoll where that is refused.
enum class EngineWish : uint8_t { kAuto, kUring, kEpoll };

struct ChosenEngine {
  Engine engine = Engine::kUring;
  // Why it isn't io_uring, although that was wished; else nothing.
  std::optional<RingRefusal> refused;
  std::string text;  // for the start-up log: "io_uring DEFER_TASKRUN ...", "epoll"

  // For a label: why it is this one.
  std::string_view reason() const;
};

// Asks the kernel, by building a ring as a worker would. Refused where io_uring and nothing else is
// wished, and where no descriptor is left, of which epoll takes as many.
tl::expected<ChosenEngine, RingRefusal> ChooseEngine(EngineWish wish);

struct EngineOptions {
  unsigned ring_entries = 1024;
  size_t buffer_bytes_max = size_t{64} * 1024 * 1024;
};

tl::expected<std::unique_ptr<Proactor>, RingRefusal> OpenProactor(Engine engine, const Clock& clock,
                                                                  Random& random,
                                                                  const EngineOptions& options);

// Likewise, in a world of its own: for what has no workers.
tl::expected<std::unique_ptr<Proactor>, RingRefusal> OpenWished(EngineWish wish, const Clock& clock,
                                                                Random& random,
                                                                const EngineOptions& options);

}  // namespace poplar::io
