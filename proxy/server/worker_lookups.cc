#include "proxy/server/worker_lookups.h"

#include <utility>

namespace poplar::server {

WorkerLookups::Asked::Asked(std::shared_ptr<Directories> services, io::Proactor& proactor)
    : directories(std::move(services)), questions(proactor.ready()), background(proactor.ready()) {
  for (size_t i = 0; i < directories->size(); ++i)
    sources.push_back(directories->MakeSource(i, proactor, background));
  directories->Enter();
}

void WorkerLookups::Asked::Stop() {
  if (std::exchange(stopped, true)) return;
  for (const auto& source : sources) source->Stop();
  directories->Leave();
}

WorkerLookups::WorkerLookups(const UserMaps& maps, std::shared_ptr<Directories> directories,
                             io::Proactor& proactor)
    : maps_(maps),
      proactor_(proactor),
      current_(std::make_shared<Asked>(std::move(directories), proactor)) {}

void WorkerLookups::Start() {
  for (const auto& source : current_->sources) source->Start();
}

void WorkerLookups::Use(std::shared_ptr<Directories> directories) {
  if (stopped_) return;
  former_.push_back(
      std::exchange(current_, std::make_shared<Asked>(std::move(directories), proactor_)));
  Start();
}

void WorkerLookups::LetGo() {
  for (const auto& asked : former_) {
    if (asked.use_count() == 1 && asked->questions.count() == 0) asked->Stop();
  }
  std::erase_if(former_, [](const auto& asked) { return asked->stopped && asked->idle(); });
}

std::optional<directory::Found> WorkerLookups::InMap(size_t map, std::string_view user) {
  const auto entry = maps_.Current(map).Find(user);
  if (!entry) return std::nullopt;
  return directory::Found{.place = std::string(entry->place), .login = std::string(entry->login)};
}

io::Task<directory::Answer> WorkerLookups::Ask(size_t index, directory::Question question) {
  const std::shared_ptr<Asked> asked = current_;
  co_return co_await asked->directories->cache(index).Ask(
      proactor_, asked->questions, *asked->sources[index], std::move(question));
}

void WorkerLookups::Stop() {
  if (std::exchange(stopped_, true)) return;
  current_->Stop();
  for (const auto& asked : former_) asked->Stop();
}

io::Task<void> WorkerLookups::Ended() {
  std::vector<std::shared_ptr<Asked>> all = former_;
  all.push_back(current_);
  for (const auto& asked : all) {
    co_await asked->questions.Empty();
    co_await asked->background.Empty();
  }
}

}  // namespace poplar::server
