#include "bench/load/runtime.h"

#include <cstdio>
#include <utility>

#include "proxy/io/task_scope.h"

namespace poplar::bench {
namespace {

io::Task<void> ThenStop(io::Proactor& proactor, io::Task<void> task) {
  co_await std::move(task);
  proactor.Stop();
}

}  // namespace

std::unique_ptr<Runtime> Runtime::Create() {
  std::unique_ptr<Runtime> runtime(new Runtime());
  auto created = io::OpenWished(io::EngineWish::kAuto, runtime->clock_, runtime->random_, {});
  if (!created) {
    std::fprintf(stderr, "poplar_load: %s\n", created.error().text.c_str());
    return nullptr;
  }
  runtime->proactor_ = std::move(*created);
  return runtime;
}

void Runtime::RunToEnd(io::Task<void> task) {
  io::TaskScope scope(proactor_->ready());
  scope.Spawn(ThenStop(*proactor_, std::move(task)));
  proactor_->Run();
}

}  // namespace poplar::bench
