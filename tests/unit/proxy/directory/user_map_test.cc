#include "proxy/directory/user_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <xxhash.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "proxy/directory/user_map_builder.h"

namespace poplar::directory {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Built(std::initializer_list<std::string_view> lines, bool keep_case = false) {
  UserMapBuilder builder({.keep_case = keep_case});
  for (std::string_view line : lines) builder.AddLine(line);
  EXPECT_EQ(builder.faults_in_all(), 0u);
  return builder.Build();
}

auto Parsed(std::string_view file) {
  std::unique_ptr<char[]> bytes(new char[file.size() + 1]);
  file.copy(bytes.get(), file.size());
  return UserMap::Parse(std::move(bytes), file.size());
}

std::shared_ptr<const UserMap> Map(std::string_view file) {
  auto map = Parsed(file);
  EXPECT_TRUE(map) << map.error();
  return *map;
}

// "place login", or "-".
std::string Find(const UserMap& map, std::string_view user) {
  const auto found = map.Find(user);
  if (!found) return "-";
  return std::string(found->place) + " " + std::string(found->login);
}

// With the checksum that belongs to it.
std::string Resealed(std::string file) {
  const uint64_t checksum =
      XXH3_64bits(file.data() + kUserMapChecked, file.size() - kUserMapChecked);
  std::memcpy(file.data() + offsetof(UserMapHeader, checksum), &checksum, sizeof checksum);
  return file;
}

TEST(UserMap, FindsUsersAndThenTheirDomains) {
  const auto map = Map(Built({"Anna@Example.ORG mail a4711", "bob archive/a-1", "@example.org old",
                              "zo\xc3\xab@example.net mail"}));
  EXPECT_EQ(map->users(), 4u);
  EXPECT_EQ(Find(*map, "anna@example.org"), "mail a4711");
  EXPECT_EQ(Find(*map, "bob"), "archive/a-1 ");
  EXPECT_EQ(Find(*map, "carol@example.org"), "old ");
  EXPECT_EQ(Find(*map, "zo\xc3\xab@example.net"), "mail ");
  for (const char* nobody : {"", "@", "an", "anna", "bob@", "bob@example.net", "x@@example.orgx"})
    EXPECT_EQ(Find(*map, nobody), "-") << nobody;
  EXPECT_THAT(map->places(), ElementsAre("mail", "archive/a-1", "old"));
  EXPECT_THAT(map->UsersByPlace(), ElementsAre(2u, 1u, 1u));
}

TEST(UserMap, MayTellLettersApart) {
  const auto map = Map(Built({"Anna@Example.ORG mail", "anna@example.org old"}, true));
  EXPECT_EQ(Find(*map, "Anna@example.org"), "mail ");
  EXPECT_EQ(Find(*map, "anna@example.org"), "old ");
}

TEST(UserMap, MayBeEmpty) { EXPECT_EQ(Find(*Map(Built({})), "anna"), "-"); }

TEST(UserMap, FindsEachOfManyAndNobodyElse) {
  UserMapBuilder builder({});
  std::map<std::string, std::string> all;
  for (int i = 0; i < 20'000; ++i) {
    const std::string user = "user-" + std::to_string(i * 7919) + "@example.org";
    const std::string place = "c" + std::to_string(i % 300);
    builder.AddLine(user + " " + place + " l" + std::to_string(i));
    all[user] = place + " l" + std::to_string(i);
  }
  const auto map = Map(builder.Build());
  ASSERT_EQ(map->users(), all.size());
  for (const auto& [user, found] : all) {
    ASSERT_EQ(Find(*map, user), found);
    ASSERT_EQ(Find(*map, user + "x"), "-");
  }
}

TEST(UserMap, RefusesAFileCutOffAnywhere) {
  const std::string file = Built({"anna mail a", "bob archive"});
  for (size_t size = 0; size < file.size(); ++size) {
    ASSERT_FALSE(Parsed(file.substr(0, size))) << size;
    ASSERT_FALSE(size > sizeof(UserMapHeader) && Parsed(Resealed(file.substr(0, size)))) << size;
  }
  EXPECT_FALSE(Parsed(file + "x"));
  EXPECT_FALSE(Parsed(Resealed(file + "x")));
}

TEST(UserMap, RefusesAnyDamage) {
  const std::string file = Built({"anna mail a", "bob archive"});
  for (size_t i = 0; i < file.size(); ++i) {
    std::string damaged = file;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x55);
    EXPECT_FALSE(Parsed(damaged)) << i;
  }
}

// Whoever makes a file makes its checksum too: whatever it holds, nothing outside it is read. The
// sanitizers are the judges.
TEST(UserMap, ReadsNothingOutsideAForgedFile) {
  const std::string file = Built({"anna mail a", "bob archive", "carol old/o-1 c"});
  for (size_t i = kUserMapChecked; i < file.size(); ++i) {
    for (const int mask : {0x01, 0x80, 0xff, 0x7f}) {
      std::string forged = file;
      forged[i] = static_cast<char>(forged[i] ^ mask);
      const auto map = Parsed(Resealed(forged));
      if (!map) continue;
      for (const char* user : {"anna", "bob", "carol", "dave@example.org"}) (void)Find(**map, user);
      (void)(*map)->UsersByPlace();
    }
  }
}

TEST(UserMap, SaysWhatIsWrongAndWhatToDo) {
  EXPECT_THAT(Parsed("").error(), HasSubstr("too short"));
  EXPECT_THAT(Parsed(std::string(100, 'x')).error(), HasSubstr("is no user map"));
  std::string file = Built({"anna mail"});
  file[8] = 9;
  EXPECT_THAT(Parsed(file).error(), HasSubstr("version 9"));
  file = Built({"anna mail"});
  file.back() = '?';
  EXPECT_THAT(Parsed(file).error(),
              HasSubstr("damaged or was still being written; build it anew with poplar map build"));
}

TEST(UserMap, LoadsFiles) {
  const std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / "user_map_test.map";
  std::ofstream(path, std::ios::binary) << Built({"anna mail"});
  const auto map = UserMap::Load(path.string());
  ASSERT_TRUE(map) << map.error();
  EXPECT_EQ(Find(**map, "anna"), "mail ");
  std::filesystem::remove(path);
  EXPECT_THAT(UserMap::Load(path.string()).error(), HasSubstr("cannot be read"));
  EXPECT_FALSE(UserMap::Load(testing::TempDir()));
}

}  // namespace
}  // namespace poplar::directory
