#pragma once

#include <memory>

#include "proxy/io/descriptor.h"
#include "proxy/tls/ticket_keys.h"

namespace poplar::handover {

// The key that seals session tickets, in a file in memory that has no name: no message ever holds a
// key. Empty where the kernel has none to give.
io::Descriptor WriteTicketFile(const tls::TicketKeys& keys);
// Null: that is no such file, or one of a Poplar whose keys look different.
std::shared_ptr<const tls::TicketKeys> ReadTicketFile(const io::Descriptor& file);

}  // namespace poplar::handover
