#include "proxy/cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/cli/command_line.h"

namespace poplar::cli {
namespace {

using testing::HasSubstr;

CommandTree Program() {
  CommandLine line;
  return TreeOf(line.app());
}

// How the shells take them is a test of its own (integration); here, that nothing is left out.
TEST(Completion, HasEveryCommandAndEveryOption) {
  const CommandTree program = Program();
  const std::string bash = BashCompletion(program);
  const std::string zsh = ZshCompletion(program);
  const std::string fish = FishCompletion(program);
  size_t options = 0;
  ForEachCommand(program, [&](std::string_view path, const CommandTree& command) {
    const std::string at(path.substr(program.name.size()));
    EXPECT_THAT(bash, HasSubstr("    '" + at + "')\n"));
    EXPECT_THAT(zsh, HasSubstr("    '" + at + "')\n"));
    for (const CommandTree& below : command.commands)
      EXPECT_THAT(fish, HasSubstr("-a " + below.name + " -d "));
    for (const OptionTree& option : command.options) {
      for (const std::string& name : option.names) {
        ++options;
        EXPECT_THAT(bash, HasSubstr(name));
        EXPECT_THAT(zsh, HasSubstr(name));
        if (name.starts_with("--")) EXPECT_THAT(fish, HasSubstr(" -l " + name.substr(2) + " "));
      }
    }
  });
  EXPECT_GT(options, 60u);
}

TEST(Completion, KnowsTheValuesWhereThereAreFew) {
  const CommandTree program = Program();
  EXPECT_THAT(BashCompletion(program), HasSubstr("--format) words='text json' ;;"));
  EXPECT_THAT(ZshCompletion(program), HasSubstr(":value:(text json)"));
  EXPECT_THAT(FishCompletion(program), HasSubstr(" -l format -x -a 'text json' "));
}

TEST(Completion, QuotesWhatShellsWouldTakeForTheirOwn) {
  const CommandTree program{
      .name = "poplar",
      .options = {{.names = {"--it"}, .description = "it's [not] a\\b", .takes_value = true}}};
  EXPECT_THAT(ZshCompletion(program), HasSubstr("'[it'\\''s \\[not\\] a\\\\b]:value:'"));
  EXPECT_THAT(FishCompletion(program), HasSubstr("-d 'it\\'s [not] a\\\\b'"));
}

}  // namespace
}  // namespace poplar::cli
