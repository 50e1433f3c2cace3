#include "proxy/config/load.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace poplar::config {
namespace {

constexpr int64_t kNow = 1'800'000'000;

class GoodCertificates final : public CertificateInspector {
 public:
  tl::expected<CertificateFacts, std::string> Inspect(const std::string& /*certificate_path*/,
                                                      const std::string& /*key_path*/) override {
    return CertificateFacts{"CN=mail.example", {}, 0, kNow + 365 * 24 * 3600, "ECDSA P-256"};
  }
  std::string FaultOfTicketKeys(const std::string& /*path*/) override { return {}; }
};

std::string WriteFile(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + "load_test_" + name;
  std::ofstream(path) << text;
  return path;
}

TEST(Load, GivesAConfigurationFitForUse) {
  WriteFile("cert.pem", "x");
  const std::string path =
      WriteFile("good.yaml",
                "listeners: [{name: a, address: \"[::]:995\"}]\n"
                "tls: {certificates: [{certificate: load_test_cert.pem}]}\n"
                "clusters: [{name: m, nodes: [{name: n, address: \"127.0.0.1:110\"}]}]\n");
  GoodCertificates inspector;
  const LoadResult result = Load(path, inspector, kNow);
  EXPECT_TRUE(result.ok()) << result.problems[0].message;
  EXPECT_TRUE(result.problems.empty());
  EXPECT_EQ(result.source.name, path);
  EXPECT_EQ(result.config.clusters.at(0).nodes.at(0).address, "127.0.0.1:110");
  EXPECT_EQ(result.config.tls.certificates.at(0).certificate,
            testing::TempDir() + "load_test_cert.pem");
}

TEST(Load, CollectsProblemsOfAllThreeStages) {
  const std::string path =
      WriteFile("bad.yaml",
                "workers: x\n"
                "listeners: [{name: a, address: nowhere}]\n"
                "tls: {certificates: [{certificate: /no/such.pem}]}\n"
                "clusters: [{name: m, nodes: [{name: n, address: \"127.0.0.1:110\"}]}]\n");
  GoodCertificates inspector;
  const LoadResult result = Load(path, inspector, kNow);
  EXPECT_FALSE(result.ok());
  ASSERT_EQ(result.problems.size(), 3u);
  EXPECT_EQ(result.problems[0].path, "workers");
  EXPECT_EQ(result.problems[1].path, "listeners[0].address");
  EXPECT_EQ(result.problems[2].path, "tls.certificates[0].certificate");
}

TEST(LoadWithoutFiles, JudgesAllButTheFiles) {
  const std::string path =
      WriteFile("no_files.yaml",
                "workers: x\n"
                "listeners: [{name: a, address: nowhere}]\n"
                "tls: {certificates: [{certificate: /no/such.pem}]}\n"
                "clusters: [{name: m, nodes: [{name: n, address: \"127.0.0.1:110\"}]}]\n");
  const LoadResult result = LoadWithoutFiles(path);
  ASSERT_EQ(result.problems.size(), 2u);
  EXPECT_EQ(result.problems[0].path, "workers");
  EXPECT_EQ(result.problems[1].path, "listeners[0].address");
  EXPECT_EQ(result.config.clusters.at(0).name, "m");
}

TEST(Load, StopsWhereThereIsNothingToJudge) {
  GoodCertificates inspector;
  const LoadResult missing = Load("/no/such.yaml", inspector, kNow);
  ASSERT_EQ(missing.problems.size(), 1u);
  EXPECT_EQ(missing.problems[0].message, "cannot be read: No such file or directory");
  EXPECT_EQ(missing.source.name, "/no/such.yaml");
  const LoadResult broken = Load(WriteFile("broken.yaml", "listeners: [\n"), inspector, kNow);
  EXPECT_EQ(broken.problems.size(), 1u);
  EXPECT_EQ(LoadWithoutFiles(broken.source.name).problems.size(), 1u);
}

}  // namespace
}  // namespace poplar::config
