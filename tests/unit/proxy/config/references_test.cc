#include "proxy/config/references.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "proxy/config/read.h"

namespace poplar::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Known final : public ReferenceSource {
 public:
  Value File(const std::string& path) override { return Find(files, path, "cannot be read: no"); }
  Value Variable(const std::string& name) override { return Find(variables, name, "is not set"); }

  std::map<std::string, std::string> files;
  std::map<std::string, std::string> variables;

 private:
  static Value Find(const std::map<std::string, std::string>& in, const std::string& name,
                    const char* fault) {
    const auto found = in.find(name);
    if (found == in.end()) return tl::unexpected(std::string(fault));
    return found->second;
  }
};

std::string Show(const Problems& problems) {
  std::string text;
  for (const Problem& p : problems) {
    text += std::to_string(p.at.line) + ":" + std::to_string(p.at.column) + " " + p.path + ": " +
            p.message + "\n";
  }
  return text;
}

// The one value of a map.
YamlNode Only(YamlTree& tree) { return tree.root.entries.at(0).value; }

TEST(ResolveReferences, PutsThemIntoTexts) {
  Known known;
  known.files = {{"/run/a", "file's\n"}, {"etc/b", "b\r\n"}, {"/cred/token", "t: [x"}};
  known.variables = {{"HOME", "/root"}, {"CREDENTIALS_DIRECTORY", "/cred"}};
  for (const auto& [yaml, expected] : std::initializer_list<std::pair<const char*, const char*>>{
           {"a: ${file:/run/a}", "file's"},
           {"a: ${file:b}", "b"},
           {"a: 'x ${env:HOME}/${env:HOME} y'", "x /root//root y"},
           {"a: ${credential:token}", "t: [x"},
           {"a: $${env:HOME}", "${env:HOME}"},
           {"a: $$${env:HOME}", "$${env:HOME}"},
           {"a: $5 $ {", "$5 $ {"}}) {
    YamlTree tree = ParseYaml(yaml);
    ResolveReferences(tree, "etc/", known);
    EXPECT_EQ(Show(tree.problems), "") << yaml;
    EXPECT_EQ(Only(tree).scalar, expected) << yaml;
  }
}

TEST(ResolveReferences, ReachesListsAndMapsAndNeverKeys) {
  Known known;
  known.variables = {{"X", "a: {b: c}"}};
  YamlTree tree = ParseYaml("${env:X}: [1, {k: '${env:X}'}]");
  const ResolvedReferences found = ResolveReferences(tree, "", known);
  EXPECT_EQ(tree.root.entries[0].key, "${env:X}");
  const YamlNode& list = tree.root.entries[0].value;
  EXPECT_FALSE(list.items[0].is_secret);
  EXPECT_EQ(list.items[1].entries[0].value.scalar, "a: {b: c}") << "no structure comes of it";
  EXPECT_TRUE(list.items[1].entries[0].value.is_secret);
  EXPECT_THAT(found.values, ElementsAre("a: {b: c}"));
}

TEST(ResolveReferences, ReportsWhereOneIsMissing) {
  Known known;
  known.files = {{"/empty", "\n"},
                 {"/binary", std::string("a\0b", 3)},
                 {"/large", std::string(kReferenceBytesMax + 1, 'x')}};
  for (const auto& [value, expected] : std::initializer_list<std::pair<const char*, const char*>>{
           {"${env:NO}", "\"${env:NO}\" is not set"},
           {"${file:/no}", "\"${file:/no}\" cannot be read: no"},
           {"${file:/empty}", "\"${file:/empty}\" is empty"},
           {"${file:/binary}", "\"${file:/binary}\" is no text: it contains a NUL"},
           {"${file:/large}", "\"${file:/large}\" makes the value longer than 65536 bytes"},
           {"${credential:x}",
            "\"${credential:x}\" can't be had: systemd has given no credentials "
            "(LoadCredential=x:... in the unit)"},
           {"${credential:../x}", "\"${credential:../x}\" is no name of a credential"},
           {"${HOME}", "\"${HOME}\" is no reference"},
           {"${env:}", "\"${env:}\" is no reference"},
           {"${env:X", "\"${env:X\" has no closing }"}}) {
    YamlTree tree = ParseYaml("a:\n  - '" + std::string(value) + "'\n");
    ResolveReferences(tree, "", known);
    EXPECT_EQ(Show(tree.problems), "2:5 a[0]: " + std::string(expected) + "\n");
    EXPECT_EQ(Only(tree).items[0].kind, YamlNode::Kind::kRejected);
  }
}

TEST(ResolveReferences, IsBounded) {
  Known known;
  known.variables = {{"X", "1"}};
  std::string text;
  for (size_t i = 0; i <= kReferencesMax; ++i) text += "- ${env:X}\n";
  YamlTree tree = ParseYaml(text);
  ResolveReferences(tree, "", known);
  EXPECT_EQ(Show(tree.problems), "1001:3 [1000]: more than 1000 references in one file\n");
}

TEST(ResolveReferences, TellsOfTheFilesThatItRead) {
  Known known;
  known.files = {{"/a", "1"}, {"/cred/b", "2"}};
  known.variables = {{"CREDENTIALS_DIRECTORY", "/cred"}};
  YamlTree tree = ParseYaml("[\"${file:/a}\", \"${credential:b}\", \"${file:/no}\"]");
  EXPECT_THAT(ResolveReferences(tree, "", known).files, ElementsAre("/a", "/cred/b", "/no"));
}

TEST(Read, TakesReferencesForAnyKindOfValueAndQuotesNone) {
  Known known;
  known.files = {{"/long", std::string(100, 'L')}, {"/quoted", "say \"no\""}};
  known.variables = {{"WORKERS", "7"}, {"LEVEL", "warn-ing"}, {"TIME", "5 parsecs"}};
  const ReadResult read = Read({"poplar.yaml",
                                "workers: ${env:WORKERS}\n"
                                "log: {level: '${env:LEVEL}'}\n"
                                "drain_timeout: ${file:/long}\n"
                                "timeouts: {login: '${env:TIME}', client_idle: '${file:/quoted}'}\n"
                                "user_names: {default_domain: '${env:LEVEL}'}\n"},
                               known);
  EXPECT_EQ(read.config.workers, 7);
  const std::string shown = Show(read.problems);
  EXPECT_THAT(shown,
              HasSubstr("2:14 log.level: the value that a reference stands for can't be taken"));
  for (const char* secret : {"warn-ing", "LLLLLL", "parsecs", "say"})
    EXPECT_THAT(shown, Not(HasSubstr(secret)));
  EXPECT_TRUE(read.positions.IsSecret("workers"));
  EXPECT_TRUE(read.positions.IsSecret("user_names.default_domain"));
  EXPECT_FALSE(read.positions.IsSecret("user_names"));
}

TEST(SystemReferences, ReadsFilesAndTheEnvironment) {
  SystemReferences system;
  const std::string path = testing::TempDir() + "references_test";
  std::ofstream(path) << "value\n";
  EXPECT_EQ(system.File(path), "value\n");
  std::filesystem::remove(path);
  EXPECT_EQ(system.File(path).error(), "cannot be read: No such file or directory");
  EXPECT_EQ(system.File(testing::TempDir()).error(), "is no file");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(system.File(path).error(), "is no file") << "and nobody waits for its writer";
  std::filesystem::remove(path);
  ::setenv("POPLAR_REFERENCES_TEST", "x", 1);
  EXPECT_EQ(system.Variable("POPLAR_REFERENCES_TEST"), "x");
  ::unsetenv("POPLAR_REFERENCES_TEST");
  EXPECT_EQ(system.Variable("POPLAR_REFERENCES_TEST").error(), "is not set");
}

}  // namespace
}  // namespace poplar::config
