#pragma once

#include "proxy/directory/answer.h"
#include "proxy/directory/question.h"
#include "proxy/io/task.h"

namespace poplar::directory {

// A service that knows where users are, as one worker sees it: each worker has its own, on its own
// loop.
class Source {
 public:
  virtual ~Source() = default;

  // Once, when the loop runs: gets ready what the first question would wait for.
  virtual void Start() {}

  // Within the source's own deadline, and never blocking the worker: what can't be found out in
  // that time is kUnavailable. The question outlives the answer. Stop makes it return soon.
  virtual io::Task<Answer> Ask(const Question& question) = 0;

  // Questions under way end as kUnavailable, and so do all later ones.
  virtual void Stop() = 0;
};

}  // namespace poplar::directory
