#include "proxy/server/worker_lookups.h"

#include <utility>

namespace poplar::server {

WorkerLookups::WorkerLookups(const UserMaps& maps, Directories& directories, io::Proactor& proactor,
                             io::TaskScope& scope)
    : maps_(maps),
      directories_(directories),
      proactor_(proactor),
      scope_(scope),
      background_(proactor.ready()) {
  for (size_t i = 0; i < directories.size(); ++i)
    sources_.push_back(directories.MakeSource(i, proactor, background_));
  directories_.Enter();
}

void WorkerLookups::Start() {
  for (const auto& source : sources_) source->Start();
}

std::optional<directory::Found> WorkerLookups::InMap(size_t map, std::string_view user) {
  const auto entry = maps_.Current(map).Find(user);
  if (!entry) return std::nullopt;
  return directory::Found{.place = std::string(entry->place), .login = std::string(entry->login)};
}

io::Task<directory::Answer> WorkerLookups::Ask(size_t index, directory::Question question) {
  co_return co_await directories_.cache(index).Ask(proactor_, scope_, *sources_[index],
                                                   std::move(question));
}

void WorkerLookups::Stop() {
  if (std::exchange(stopped_, true)) return;
  for (const auto& source : sources_) source->Stop();
  directories_.Leave();
}

io::Task<void> WorkerLookups::Ended() { co_await background_.Empty(); }

}  // namespace poplar::server
