#include "proxy/cli/manual_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/cli/command_line.h"
#include "proxy/config/roff.h"

namespace poplar::cli {
namespace {

using testing::HasSubstr;

TEST(ManualPage, HasEveryCommandAndEveryOption) {
  CommandLine line;
  const CommandTree program = TreeOf(line.app());
  const std::string page = ManualPage(program, "1.2.3");
  EXPECT_TRUE(page.starts_with(".TH poplar 1 \"\" \"Poplar 1.2.3\" \"Poplar\"\n.SH NAME\npoplar"));
  ForEachCommand(program, [&](std::string_view path, const CommandTree& command) {
    if (path != "poplar") EXPECT_THAT(page, HasSubstr("\n.SS " + config::RoffText(path) + "\n"));
    if (command.commands.empty())
      EXPECT_THAT(page, HasSubstr("\n.B " + config::RoffText(path) + "\n[OPTIONS]\n"));
    for (const OptionTree& option : command.options) {
      for (const std::string& name : option.names)
        EXPECT_THAT(page, HasSubstr(config::RoffText(name)));
      if (option.positional()) EXPECT_THAT(page, HasSubstr("\n.TP\n.I " + option.label + "\n"));
    }
  });
}

TEST(ManualPage, FillsAFootersLinesButForIndentedOnes) {
  const CommandTree program{.name = "poplar",
                            .commands = {{.name = "x",
                                          .description = "Do it",
                                          .footer = "One\ntwo:\n  poplar x --y\nThree.\nExit 0.",
                                          .options = {{.names = {"-y", "--why"},
                                                       .description = "Why",
                                                       .initial = "a",
                                                       .choices = {"a", "b"},
                                                       .takes_value = true}}}}};
  EXPECT_THAT(ManualPage(program, "1"),
              HasSubstr(".SS poplar x\nDo it.\n"
                        ".TP\n.BI \"\\-y, \\-\\-why \" \"a|b\"\nWhy. Default: a.\n"
                        ".PP\nOne\ntwo:\n.nf\n  poplar x \\-\\-y\n.fi\nThree.\n.PP\nExit 0.\n"));
}

}  // namespace
}  // namespace poplar::cli
