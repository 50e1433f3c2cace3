#include "proxy/cli/command_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace poplar::cli {
namespace {

TEST(OptionTree, KnowsFilesByTheirNames) {
  EXPECT_TRUE((OptionTree{.names = {"-c", "--config"}, .takes_value = true}).takes_file());
  EXPECT_TRUE((OptionTree{.names = {"--password-file"}, .takes_value = true}).takes_file());
  EXPECT_TRUE((OptionTree{.label = "FILE"}).takes_file());
  EXPECT_FALSE((OptionTree{.names = {"--config"}}).takes_file());
  EXPECT_FALSE((OptionTree{.names = {"--user"}, .takes_value = true}).takes_file());
  EXPECT_FALSE((OptionTree{.label = "USER"}).takes_file());
}

TEST(ForEachCommand, GoesThroughAllByTheirPaths) {
  const CommandTree tree{.name = "a",
                         .commands = {{.name = "b", .commands = {{.name = "c"}}}, {.name = "d"}}};
  std::vector<std::string> paths;
  ForEachCommand(tree, [&](std::string_view path, const CommandTree& command) {
    EXPECT_TRUE(path.ends_with(command.name));
    paths.emplace_back(path);
  });
  EXPECT_THAT(paths, testing::ElementsAre("a", "a b", "a b c", "a d"));
}

}  // namespace
}  // namespace poplar::cli
