#pragma once

#include "metrics/labels.h"

namespace poplar::metrics {

inline Dimensions SampleDimensions() {
  return {.listeners = {"pop3s", "pop3s-v6"},
          .clusters = {"main", "other"},
          .nodes = {{"main", "mail1"}, {"main", "mail2"}, {"other", "mail1"}},
          .session_ends = {{"quit", "client"}, {"node_eof", "node"}, {"drain", "proxy"}},
          .commands = {"STAT", "RETR", "other"},
          .certificates = {"default"},
          .io_engines = {{"epoll", "forbidden"}}};
}

}  // namespace poplar::metrics
