#pragma once

#include <string>
#include <tl/expected.hpp>

#include "proxy/config/process_config.h"
#include "proxy/io/engine.h"
#include "proxy/server/log.h"

namespace poplar::server {

io::EngineWish WishOf(config::IoEngine io);

// What the workers stand on. Where that isn't what it should be, the log says so, and what to do;
// the error, likewise, is of a start that must fail.
tl::expected<io::ChosenEngine, std::string> ChooseEngine(config::IoEngine io, Log& log);

// The line about a choice that isn't what was wished; empty where it is.
std::string FallbackNote(const io::ChosenEngine& chosen);

}  // namespace poplar::server
