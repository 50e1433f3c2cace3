#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "proxy/io/resolver.h"
#include "proxy/io/resolver_options.h"

namespace poplar::io {

// Questions under way at once, of all workers; further ones fail at once.
inline constexpr size_t kQuestionsMax = 1024;

// Asks name servers by UDP, and by TCP what is too long for it, on one thread of its own. Whoever
// asks waits for the answer whatever happens, so this must outlive no proactor that has asked it.
class CaresResolver final : public Resolver {
 public:
  // Or why not: a name server that is none. Without a single one in resolv.conf it is this machine.
  static tl::expected<std::unique_ptr<CaresResolver>, std::string> Create(
      const ResolverOptions& options);
  // Stops, and returns when the thread has ended.
  ~CaresResolver() override;

  Task<tl::expected<HostAddresses, ResolveError>> LookUpHost(Proactor& proactor, std::string host,
                                                             uint16_t port) override;
  Task<tl::expected<ServiceTargets, ResolveError>> LookUpService(Proactor& proactor,
                                                                 std::string name) override;
  void Stop() override;

  // The same for who has no worker, such as the command line. Blocks, for the patience at most.
  tl::expected<HostAddresses, ResolveError> LookUpHostNow(const std::string& host, uint16_t port);
  tl::expected<ServiceTargets, ResolveError> LookUpServiceNow(const std::string& name);

 private:
  struct Question;
  class Engine;

  explicit CaresResolver(std::unique_ptr<Engine> engine);
  static std::shared_ptr<Question> MakeQuestion(std::string name, std::optional<uint16_t> port);
  Task<void> Ask(Proactor& proactor, std::shared_ptr<Question> question);
  void AskNow(const std::shared_ptr<Question>& question);

  std::unique_ptr<Engine> engine_;
};

// One question, by a resolver of its own.
tl::expected<HostAddresses, ResolveError> LookUpHostNow(const ResolverOptions& options,
                                                        const std::string& host, uint16_t port);
tl::expected<ServiceTargets, ResolveError> LookUpServiceNow(const ResolverOptions& options,
                                                            const std::string& name);

}  // namespace poplar::io
