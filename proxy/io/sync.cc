#include "proxy/io/sync.h"

#include <utility>

#include "proxy/io/task_scope.h"

namespace poplar::io {

Task<void> WhenBoth(RunList& ready, Task<void> first, Task<void> second) {
  TaskScope scope(ready);
  scope.Spawn(std::move(first));
  Task<void> here(std::move(second));
  co_await std::move(here);
  co_await scope.Empty();
}

}  // namespace poplar::io
