#include "proxy/io/hosts_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace poplar::io {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class HostsFileTest : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }
  std::vector<std::string> LookUp(std::string_view name, size_t most = 10) {
    std::vector<std::string> texts;
    for (const Address& each : LookUpInHostsFile(path_, name, 110, most)) {
      texts.push_back(each.Text());
    }
    return texts;
  }
  const std::string path_ = testing::TempDir() + "hosts_file_" + std::to_string(getpid());
};

TEST_F(HostsFileTest, FindsEachAddressOfANameOnce) {
  std::ofstream(path_) << "# mail 192.0.2.9\n\n127.0.0.1 localhost\r\n"
                          "192.0.2.1\tNode.Mail mail\n2001:db8::1 mail#comment\n"
                          "192.0.2.1 mail\nnonsense mail\n192.0.2.3 # mail\n192.0.2.2 x mail";
  EXPECT_THAT(LookUp("mail"), ElementsAre("192.0.2.1:110", "[2001:db8::1]:110", "192.0.2.2:110"));
  EXPECT_THAT(LookUp("node.mail."), ElementsAre("192.0.2.1:110"));
  EXPECT_THAT(LookUp("localhost"), ElementsAre("127.0.0.1:110"));
  EXPECT_THAT(LookUp("192.0.2.1"), IsEmpty());
  EXPECT_THAT(LookUp("mail", 2).size(), 2u);
}

TEST_F(HostsFileTest, SaysNothingWithoutAFile) { EXPECT_THAT(LookUp("mail"), IsEmpty()); }

}  // namespace
}  // namespace poplar::io
