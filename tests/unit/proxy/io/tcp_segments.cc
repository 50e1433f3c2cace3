#include "tests/unit/proxy/io/tcp_segments.h"

// Not to be had together with netinet/tcp.h, whose tcp_info ends before this number.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace poplar::io {

unsigned SegmentsReceived(int descriptor) {
  tcp_info info{};
  socklen_t length = sizeof(info);
  getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &length);
  return info.tcpi_segs_in;
}

}  // namespace poplar::io
