#include "proxy/server/choose_engine.h"

namespace poplar::server {

io::EngineWish WishOf(config::IoEngine io) {
  switch (io) {
    case config::IoEngine::kAuto:
      return io::EngineWish::kAuto;
    case config::IoEngine::kUring:
      return io::EngineWish::kUring;
    case config::IoEngine::kEpoll:
      return io::EngineWish::kEpoll;
  }
  return io::EngineWish::kAuto;
}

tl::expected<io::ChosenEngine, std::string> ChooseEngine(config::IoEngine io, Log& log) {
  auto chosen = io::ChooseEngine(WishOf(io));
  if (!chosen) {
    if (io != config::IoEngine::kUring) return tl::unexpected(chosen.error().text);
    return tl::unexpected("io: io_uring: " + chosen.error().text +
                          " Or set io: auto, which takes epoll where io_uring is refused.");
  }
  if (const std::string note = FallbackNote(*chosen); !note.empty()) log.Warning(note);
  return std::move(*chosen);
}

std::string FallbackNote(const io::ChosenEngine& chosen) {
  if (!chosen.refused) return {};
  return "Sockets are served by epoll, which takes more CPU: " + chosen.refused->text +
         " Or set io: epoll, if that is how it shall be.";
}

}  // namespace poplar::server
