#pragma once

namespace poplar::io {

// TCP segments that have come in on this connection so far.
unsigned SegmentsReceived(int descriptor);

}  // namespace poplar::io
