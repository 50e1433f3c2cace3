#include "proxy/io/frame_pool.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <thread>
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

#if !__has_feature(address_sanitizer)  // with it frames are the heap's

// So many that they take several slabs; of a size that nothing else here has.
constexpr size_t kMany = 200;
constexpr size_t kBytes = 1990;

std::vector<void*> AllocateMany() {
  std::vector<void*> frames(kMany);
  for (void*& frame : frames) {
    frame = AllocateFrame(kBytes);
    std::memset(frame, 1, kBytes);
  }
  return frames;
}

size_t TrimAll() {
  size_t all = TrimFrames();
  for (size_t more = TrimFrames(); more > 0; more = TrimFrames()) all += more;
  return all;
}

TEST(FramePoolTest, GivesBackWhatIsEmptyFromOneTrimToTheNext) {
  TrimAll();
  const std::vector<void*> frames = AllocateMany();
  EXPECT_EQ(TrimFrames(), 0u);
  for (void* frame : frames) FreeFrame(frame, kBytes);
  EXPECT_EQ(TrimFrames(), 0u);  // they may be wanted again at once
  FreeFrame(AllocateFrame(kBytes), kBytes);
  const size_t slabs = TrimFrames();
  EXPECT_GE(slabs, kMany * kBytes / (8 * 1024));
  EXPECT_EQ(TrimFrames(), 1u);                                  // the one that was used meanwhile
  for (void* frame : AllocateMany()) FreeFrame(frame, kBytes);  // what was given back serves again
}

TEST(FramePoolTest, AFrameKeepsItsSlabAndWhatIsInIt) {
  std::vector<void*> frames = AllocateMany();
  for (size_t i = 0; i < kMany; ++i) {
    if (i % 40 != 0) FreeFrame(frames[i], kBytes);
  }
  TrimFrames();
  EXPECT_GT(TrimFrames(), 0u);
  for (size_t i = 0; i < kMany; i += 40) {
    const auto* bytes = static_cast<const char*>(frames[i]);
    EXPECT_EQ(bytes[0], 1);
    EXPECT_EQ(bytes[kBytes - 1], 1);
    FreeFrame(frames[i], kBytes);
  }
}

TEST(FramePoolTest, GivesBackOnlySoMuchAtOnce) {
  std::vector<void*> frames;
  for (int i = 0; i < 20; ++i) {
    for (void* frame : AllocateMany()) frames.push_back(frame);
  }
  for (void* frame : frames) FreeFrame(frame, kBytes);
  TrimFrames();
  EXPECT_EQ(TrimFrames(), 512u);
  EXPECT_GT(TrimAll(), 400u);
}

#if !__has_feature(thread_sanitizer)  // it maps memory of its own for each thread
// Address space of this process, bytes.
size_t Mapped() {
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * 4096;
}

TEST(FramePoolTest, AThreadThatEndsLeavesNothing) {
  const auto once = [] {
    std::thread([] {
      for (void* frame : AllocateMany()) FreeFrame(frame, kBytes);
    }).join();
  };
  once();  // what the library keeps of threads, it keeps once
  const size_t before = Mapped();
  for (int i = 0; i < 40; ++i) once();
  EXPECT_LT(Mapped(), before + size_t{10} * 1024 * 1024);
}
#endif
#endif

}  // namespace
}  // namespace poplar::io
