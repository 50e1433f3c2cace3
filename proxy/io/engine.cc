#include "proxy/io/engine.h"

#include <utility>

#include "proxy/io/epoll_proactor.h"
#include "proxy/io/uring_proactor.h"

namespace poplar::io {
namespace {

bool LacksDescriptors(int code) { return code == EMFILE || code == ENFILE; }

RingRefusal EpollRefusal(Error error) {
  const bool is_limit = LacksDescriptors(error.code);
  std::string text = "epoll is not available here (" + error.Text() + "): ";
  text += is_limit ? "no file descriptor is left. Raise the limit: LimitNOFILE= in the unit, or "
                     "ulimit -n."
                   : "see epoll_create1(2) and eventfd(2) for this error.";
  return {error.code, is_limit ? "limits" : "other", std::move(text)};
}

}  // namespace

std::string_view NameOf(Engine engine) { return engine == Engine::kUring ? "io_uring" : "epoll"; }

std::string_view ChosenEngine::reason() const {
  if (engine == Engine::kUring) return "available";
  return refused ? refused->reason : "configured";
}

tl::expected<ChosenEngine, RingRefusal> ChooseEngine(EngineWish wish) {
  if (wish == EngineWish::kEpoll)
    return ChosenEngine{.engine = Engine::kEpoll, .refused = {}, .text = "epoll"};
  auto ring = CreateRing(EngineOptions().ring_entries);
  if (ring) {
    return ChosenEngine{
        .engine = Engine::kUring, .refused = {}, .text = "io_uring " + ring->features.Text()};
  }
  if (wish == EngineWish::kUring || LacksDescriptors(ring.error().code))
    return tl::unexpected(std::move(ring.error()));
  return ChosenEngine{
      .engine = Engine::kEpoll, .refused = std::move(ring.error()), .text = "epoll"};
}

tl::expected<std::unique_ptr<Proactor>, RingRefusal> OpenProactor(Engine engine, const Clock& clock,
                                                                  Random& random,
                                                                  const EngineOptions& options) {
  if (engine == Engine::kEpoll) {
    auto proactor =
        EpollProactor::Create(clock, random, {.buffer_bytes_max = options.buffer_bytes_max});
    if (!proactor) return tl::unexpected(EpollRefusal(proactor.error()));
    return std::move(*proactor);
  }
  auto proactor = UringProactor::Create(
      clock, random,
      {.entries = options.ring_entries, .buffer_bytes_max = options.buffer_bytes_max});
  if (!proactor) return tl::unexpected(std::move(proactor.error()));
  return std::move(*proactor);
}

tl::expected<std::unique_ptr<Proactor>, RingRefusal> OpenWished(EngineWish wish, const Clock& clock,
                                                                Random& random,
                                                                const EngineOptions& options) {
  const auto chosen = ChooseEngine(wish);
  if (!chosen) return tl::unexpected(chosen.error());
  return OpenProactor(chosen->engine, clock, random, options);
}

}  // namespace poplar::io
