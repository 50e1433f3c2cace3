#pragma once

#include <cstddef>
#include <utility>

#include "proxy/io/run_list.h"
#include "proxy/io/task.h"
#include "proxy/io/task_scope.h"

namespace poplar::io {

// Resumes whatever is ready until nothing is; how many times.
inline size_t RunReady(RunList& ready) {
  size_t resumed = 0;
  while (Waiter* waiter = ready.Pop()) {
    waiter->handle.resume();
    ++resumed;
  }
  return resumed;
}

// Runs a task that needs no world to its end.
inline void RunToEnd(Task<void> task) {
  RunList ready;
  TaskScope scope(ready);
  scope.Spawn(std::move(task));
  RunReady(ready);
}

}  // namespace poplar::io
