#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace poplar::tls {

std::array<uint8_t, 32> Sha256(std::string_view bytes);

}  // namespace poplar::tls
