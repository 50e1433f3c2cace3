#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "proxy/config/field.h"
#include "proxy/server/log.h"
#include "proxy/server/server.h"

namespace poplar::cli {

// Blocks the signals that RunUntilStopped waits for, in this thread and in all that it starts. Call
// it before any thread is there.
void BlockSignals();

// The one of those that came within `timeout`, or 0.
int WaitForSignal(config::Duration timeout);

// Takes as many file descriptors as the hard limit allows; returns that number.
uint64_t RaiseDescriptorLimit();

// Serves until SIGTERM or SIGINT, then stops as DESIGN asks: accept no more; after `drain_timeout`
// end each session at its next command boundary; a second signal ends them at once. Returns the
// exit status. `on_hangup`: on SIGHUP, besides opening log files anew.
int RunUntilStopped(server::Server& server, server::Log& log, config::Duration drain_timeout,
                    const std::function<void()>& on_hangup);

}  // namespace poplar::cli
