#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/cli/command_line.h"

namespace poplar::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class CommandLineTreeTest : public testing::Test {
 protected:
  CLI::App app_{"An app", "app"};
};

TEST_F(CommandLineTreeTest, HasOptionsWithTheirNamesDefaultsAndChoices) {
  std::string format = "text";
  bool flag = false;
  app_.add_option("-f,--format", format, "How")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app_.add_flag("--flag", flag, "Whether");
  const CommandTree tree = TreeOf(app_);
  ASSERT_EQ(tree.options.size(), 3u);  // --help, too
  EXPECT_THAT(tree.options[1].names, ElementsAre("-f", "--format"));
  EXPECT_EQ(tree.options[1].description, "How");
  EXPECT_EQ(tree.options[1].initial, "text");
  EXPECT_THAT(tree.options[1].choices, ElementsAre("text", "json"));
  EXPECT_TRUE(tree.options[1].takes_value);
  EXPECT_FALSE(tree.options[1].positional());
  EXPECT_FALSE(tree.options[2].takes_value);
  EXPECT_THAT(tree.options[2].choices, IsEmpty());
}

TEST_F(CommandLineTreeTest, HasPositionalsAndCommandsBelow) {
  std::vector<std::string> users;
  CLI::App* below = app_.add_subcommand("route", "Print");
  below->add_option("USER", users, "Who")->required();
  below->footer("Foot");
  const CommandTree tree = TreeOf(app_);
  ASSERT_EQ(tree.commands.size(), 1u);
  EXPECT_EQ(tree.commands[0].name, "route");
  EXPECT_EQ(tree.commands[0].description, "Print");
  EXPECT_EQ(tree.commands[0].footer, "Foot");
  const OptionTree& user = tree.commands[0].options.at(1);
  EXPECT_TRUE(user.positional());
  EXPECT_TRUE(user.required);
  EXPECT_EQ(user.label, "USER");
}

}  // namespace
}  // namespace poplar::cli
