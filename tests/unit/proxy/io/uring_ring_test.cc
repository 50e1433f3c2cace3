#include "proxy/io/uring_ring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <liburing.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/unit/proxy/io/forbidden_syscalls.h"

namespace poplar::io {
namespace {

using testing::ExitedWithCode;
using testing::HasSubstr;
using testing::Not;

struct RefusalCase {
  const char* name;
  int code;
  int sysctl;
  std::string_view reason;
  std::vector<std::string> says;  // the errno's name, the cause, the remedy
};

class ExplainRefusalTest : public testing::TestWithParam<RefusalCase> {};

TEST_P(ExplainRefusalTest, NamesCauseAndRemedyInOneLine) {
  const RingRefusal refusal = ExplainRefusal(GetParam().code, GetParam().sysctl);
  EXPECT_EQ(refusal.code, GetParam().code);
  EXPECT_EQ(refusal.reason, GetParam().reason);
  const std::string& text = refusal.text;
  for (const std::string& part : GetParam().says) EXPECT_THAT(text, HasSubstr(part));
  EXPECT_THAT(text, Not(HasSubstr("\n")));
  EXPECT_TRUE(text.ends_with(".")) << text;
}

INSTANTIATE_TEST_SUITE_P(
    All, ExplainRefusalTest,
    testing::Values(
        RefusalCase{"OldKernel",
                    ENOSYS,
                    -1,
                    "unsupported",
                    {"ENOSYS", "older than Linux 5.19", "io_uring_setup"}},
        RefusalCase{
            "Profile", EPERM, -1, "forbidden", {"EPERM", "seccomp profile", "io_uring_enter"}},
        RefusalCase{"ProfileWithOpenSysctl",
                    EPERM,
                    0,
                    "forbidden",
                    {"EPERM", "seccomp profile", "Docker 25"}},
        RefusalCase{"Selinux", EACCES, 0, "forbidden", {"EACCES", "SELinux", "io_uring_register"}},
        RefusalCase{"SysctlForTheUnprivileged",
                    EPERM,
                    1,
                    "disabled",
                    {"kernel.io_uring_disabled is 1", "sysctl -w kernel.io_uring_disabled=0",
                     "kernel.io_uring_group"}},
        RefusalCase{"SysctlForAll",
                    EPERM,
                    2,
                    "disabled",
                    {"kernel.io_uring_disabled is 2", "sysctl -w kernel.io_uring_disabled=0"}},
        RefusalCase{
            "LockedMemory", ENOMEM, 0, "limits", {"ENOMEM", "locked memory", "LimitMEMLOCK"}},
        RefusalCase{
            "OwnDescriptors", EMFILE, 0, "limits", {"EMFILE", "file descriptor", "LimitNOFILE"}},
        RefusalCase{"AllDescriptors", ENFILE, 0, "limits", {"ENFILE", "file descriptor"}},
        RefusalCase{"Features",
                    EINVAL,
                    0,
                    "unsupported",
                    {"EINVAL", "lacks features", "Linux 5.19 or newer"}},
        RefusalCase{"Unheard", EXDEV, 0, "other", {"EXDEV", "io_uring_setup(2)"}}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(ExplainRefusalText, TheGroupHelpsOnlyAgainstTheHalfClosedSysctl) {
  EXPECT_THAT(ExplainRefusal(EPERM, 2).text, Not(HasSubstr("io_uring_group")));
}

// For a child: tells on stderr why there is no ring, and ends.
[[noreturn]] void ReportRefusal() {
  const auto ring = CreateRing(8);
  std::fputs(ring ? "there is a ring" : ring.error().text.c_str(), stderr);
  std::_Exit(ring ? 0 : 1);
}

[[noreturn]] void RefuseSetupWith(int code) {
  ForbidSyscalls({__NR_io_uring_setup}, code);
  ReportRefusal();
}

TEST(CreateRing, ExplainsARealRefusal) {
  EXPECT_EXIT(RefuseSetupWith(EPERM), ExitedWithCode(1), "EPERM.*seccomp profile.*io_uring_setup");
  EXPECT_EXIT(RefuseSetupWith(ENOSYS), ExitedWithCode(1), "ENOSYS.*older than Linux 5.19");
  EXPECT_EXIT(RefuseSetupWith(ENOMEM), ExitedWithCode(1), "ENOMEM.*LimitMEMLOCK");
  // Every combination of flags was tried by then.
  EXPECT_EXIT(RefuseSetupWith(EINVAL), ExitedWithCode(1), "EINVAL.*Linux 5.19 or newer");
}

[[noreturn]] void RefuseBufferRings() {
  ForbidSyscalls({__NR_io_uring_register}, EINVAL);
  ReportRefusal();
}

TEST(CreateRing, ExplainsThatBufferRingsAreRefused) {
  EXPECT_EXIT(RefuseBufferRings(), ExitedWithCode(1), "EINVAL.*lacks features");
}

[[noreturn]] void LeaveNoDescriptor() {
  const rlimit none{3, 3};
  setrlimit(RLIMIT_NOFILE, &none);
  ReportRefusal();
}

TEST(CreateRing, ExplainsThatNoDescriptorIsLeft) {
  EXPECT_EXIT(LeaveNoDescriptor(), ExitedWithCode(1), "EMFILE.*LimitNOFILE");
}

TEST(CreateRing, GrantsWhatItSays) {
  const auto created = CreateRing(64);
  if (!created) GTEST_SKIP() << created.error().text;
  const RingFeatures& features = created->features;
  const unsigned flags = created->ring->flags;
  EXPECT_EQ(features.defer_taskrun, (flags & IORING_SETUP_DEFER_TASKRUN) != 0);
  EXPECT_EQ(features.single_issuer, (flags & IORING_SETUP_SINGLE_ISSUER) != 0);
  EXPECT_EQ(features.coop_taskrun, (flags & IORING_SETUP_COOP_TASKRUN) != 0);
  EXPECT_NE(flags & IORING_SETUP_TASKRUN_FLAG, 0u);
  EXPECT_NE(flags & IORING_SETUP_R_DISABLED, 0u);
  EXPECT_EQ(created->ring->sq.ring_entries, 64u);
  EXPECT_EQ(created->ring->cq.ring_entries, 512u);
}

TEST(RingFeaturesText, NamesWhatIsOn) {
  EXPECT_EQ((RingFeatures{.defer_taskrun = true, .single_issuer = true}.Text()),
            "DEFER_TASKRUN SINGLE_ISSUER MULTISHOT_ACCEPT PROVIDED_BUFFERS");
  EXPECT_EQ((RingFeatures{.coop_taskrun = true, .multishot_accept = false}.Text()),
            "COOP_TASKRUN PROVIDED_BUFFERS");
}

}  // namespace
}  // namespace poplar::io
