#include "proxy/io/frame_pool.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "tests/simulation/seeded_random.h"

namespace poplar::io {
namespace {

TEST(FramePoolTest, AlignsForEveryType) {
  for (size_t bytes = 1; bytes <= 5000; bytes += 7) {
    void* frame = AllocateFrame(bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(frame) % __STDCPP_DEFAULT_NEW_ALIGNMENT__, 0u);
    FreeFrame(frame, bytes);
  }
}

TEST(FramePoolTest, FramesOfAllSizesDoNotOverlap) {
  simulation::SeededRandom random(1, "frames");
  struct Frame {
    char* memory;
    size_t bytes;
    char mark;
  };
  std::vector<Frame> frames;
  for (int i = 0; i < 30'000; ++i) {
    if (!frames.empty() && (frames.size() > 6000 || random.Chance(0.4))) {
      const size_t which = random.Below(frames.size());
      const Frame frame = frames[which];
      for (size_t at = 0; at < frame.bytes; ++at) ASSERT_EQ(frame.memory[at], frame.mark);
      FreeFrame(frame.memory, frame.bytes);
      frames[which] = frames.back();
      frames.pop_back();
      continue;
    }
    const size_t bytes = random.Between(1, random.Chance(0.1) ? 4000 : 300);
    const auto mark = static_cast<char>(random.Next());
    auto* memory = static_cast<char*>(AllocateFrame(bytes));
    std::memset(memory, mark, bytes);
    frames.push_back(Frame{memory, bytes, mark});
  }
  for (const Frame& frame : frames) FreeFrame(frame.memory, frame.bytes);
}

}  // namespace
}  // namespace poplar::io
