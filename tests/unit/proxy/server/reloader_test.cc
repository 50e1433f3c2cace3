#include "proxy/server/reloader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "proxy/cli/certificate_check.h"
#include "tests/unit/proxy/server/server_fixture.h"

namespace poplar::server {
namespace {

using testing::HasSubstr;
using testing::Not;

// A whole proxy with a configuration file.
class ReloaderTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    if (IsSkipped()) return;
    file_ = testing::TempDir() + "reloader_test_" +
            testing::UnitTest::GetInstance()->current_test_info()->name() + ".yaml";
  }
  void TearDown() override {
    reloader_.reset();
    ServerTest::TearDown();
    std::filesystem::remove(file_);
  }

  void Write(const std::string& more) {
    std::string nodes;
    for (const auto& node : config_.clusters[0].nodes)
      nodes += "{name: " + node.name + ", address: \"" + node.address + "\"},";
    const std::string beside = file_ + ".new";
    std::ofstream(beside) << "workers: 2\n"
                             "listeners: [{name: plain, address: \"127.0.0.1:0\", tls: none, "
                             "require_tls: no}]\n"
                             "clusters: [{name: demo, shared_storage: yes, nodes: ["
                          << nodes << "]}]\n"
                          << "admin: {address: \"127.0.0.1:0\"}\n"
                          << more;
    std::filesystem::rename(beside, file_);
  }
  void Begin(const std::string& more = "") {
    Write(more);
    config::LoadResult loaded = config::Load(file_, inspector_, 0);
    ASSERT_TRUE(loaded.ok()) << loaded.problems.front().message;
    config_ = loaded.config;
    Start();
    reloader_ = std::make_unique<Reloader>(std::move(loaded),
                                           Reloader::Parts{*server_, *log_, clock_, inspector_});
  }
  std::string Posted() { return HttpPost(server_->admin_port(), "/api/v1/reload"); }

  std::string file_;
  cli::CertificateCheck inspector_;
  std::unique_ptr<Reloader> reloader_;
};

TEST_F(ReloaderTest, AppliesWhatIsLiveAndNamesWhatIsNot) {
  Begin();
  Write("pool: {size: 12}\nlimits: {buffer_memory: 64MiB}\n");
  const metrics::ReloadView view = reloader_->Reload("test");
  EXPECT_TRUE(view.applied) << view.report;
  EXPECT_EQ(view.report,
            "Changed:\n  pool.size: 0 -> 12\nTakes effect with `poplar upgrade` or a restart; "
            "until then as before:\n  limits.buffer_memory: 256MiB -> 64MiB\n");
  EXPECT_THAT(Metrics(), HasSubstr("poplar_pool_slots{cluster=\"demo\",node=\"node0\"} 12\n"));
  EXPECT_THAT(Metrics(), HasSubstr("poplar_config_reloads_total{result=\"ok\"} 1\n"));
  const metrics::ReloadView again = reloader_->Reload("test");
  EXPECT_THAT(again.report, HasSubstr("No setting has changed"));
  EXPECT_THAT(again.report, HasSubstr("limits.buffer_memory: 256MiB -> 64MiB"));
}

TEST_F(ReloaderTest, KeepsErrorsOut) {
  Begin();
  Write("pool: {size: many, warm: 3}\n");
  const metrics::ReloadView view = reloader_->Reload("test");
  EXPECT_FALSE(view.applied);
  EXPECT_THAT(view.report, HasSubstr(":5:14: error: pool.size: \"many\""));
  const std::string metrics = Metrics();
  EXPECT_THAT(metrics, HasSubstr("poplar_config_reloads_total{result=\"refused\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("poplar_config_last_reload_success 0\n"));
  Write("pool: {size: 4}\n");
  EXPECT_TRUE(reloader_->Reload("test").applied);
  EXPECT_THAT(Metrics(), HasSubstr("poplar_config_last_reload_success 1\n"));
  reloader_.reset();
  End();
  EXPECT_THAT(LogText(), HasSubstr(":5:14: pool.size: \\\"many\\\" is not a whole number"));
}

TEST_F(ReloaderTest, RefusesWhatDoesNotFitWithoutARestart) {
  Begin();
  Write("routes: [{name: r, cluster: demo, listeners: [more]}]\n");
  std::string text;
  {
    std::ifstream in(file_);
    text.assign(std::istreambuf_iterator<char>(in), {});
  }
  text.replace(text.find("require_tls: no}"), 16,
               "require_tls: no}, {name: more, address: \"127.0.0.1:0\", tls: none, require_tls: "
               "no}");
  std::ofstream(file_) << text;
  const metrics::ReloadView view = reloader_->Reload("test");
  EXPECT_FALSE(view.applied);
  EXPECT_THAT(view.report, HasSubstr("restart Poplar to take them all"));
}

TEST_F(ReloaderTest, TheAdminEndpointAsks) {
  Begin();
  Write("pool: {warm: 1}\n");
  const std::string answer = Posted();
  EXPECT_THAT(answer, HasSubstr(" 200 "));
  EXPECT_THAT(answer,
              HasSubstr(R"({"setting":"pool.warm","from":"2","to":"1","takes_effect":"now"})"));
  Write("x: 1\n");
  EXPECT_THAT(Posted(), HasSubstr(" 422 "));
  reloader_.reset();
  EXPECT_THAT(Posted(), HasSubstr("no configuration file to take anew"));
}

// A changed file is taken with the configuration that was last taken, not with one in the making.
TEST_F(ReloaderTest, ChangedFilesAreTakenByThemselves) {
  const std::string token = file_ + ".token";
  std::ofstream(token) << "first\n";
  ::chmod(token.c_str(), 0600);
  Begin("user_names: {default_domain: \"${file:" + token + "}\"}\n");
  Write("pool: {size: 77}\n");
  std::ofstream(token) << "second.example\n";
  while (Metrics().find("poplar_config_reloads_total{result=\"ok\"} 1\n") == std::string::npos)
    std::this_thread::yield();
  EXPECT_THAT(Metrics(), Not(HasSubstr("} 77\n")));
  reloader_.reset();
  End();
  const std::string log = LogText();
  EXPECT_THAT(log, HasSubstr("user_names.default_domain: *** -> ***"));
  EXPECT_THAT(log, Not(HasSubstr("second.example")));
  std::filesystem::remove(token);
}

TEST_F(ReloaderTest, WatchesItsOwnFileWhereItSaysSo) {
  Begin("reload_on_change: yes\n");
  Write("reload_on_change: yes\npool: {size: 31}\n");
  while (Metrics().find("poplar_pool_slots{cluster=\"demo\",node=\"node0\"} 31\n") ==
         std::string::npos)
    std::this_thread::yield();
}

// Here what takes long is a pipe to which nobody has written yet.
TEST_F(ReloaderTest, TakesItsTimeOnAThreadOfItsOwn) {
  Begin("drain: {delay: 3s}\n");
  Write("drain: {delay: 7s}\n");
  std::ifstream in(file_);
  const std::string wanted(std::istreambuf_iterator<char>(in), {});
  std::filesystem::remove(file_);
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);

  EXPECT_FALSE(reloader_->busy());
  reloader_->ReloadSoon("test");
  EXPECT_TRUE(reloader_->busy());
  std::ofstream pipe(file_);  // the reload reads it by now, and holds what it has to hold
  EXPECT_TRUE(reloader_->busy());
  EXPECT_EQ(reloader_->drain().delay, std::chrono::seconds(3));
  pipe << wanted;
  pipe.close();
  while (reloader_->busy()) std::this_thread::yield();
  EXPECT_EQ(reloader_->drain().delay, std::chrono::seconds(7));
  EXPECT_THAT(Metrics(), HasSubstr("poplar_config_reloads_total{result=\"ok\"} 1\n"));
}

}  // namespace
}  // namespace poplar::server
