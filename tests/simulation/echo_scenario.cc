#include "tests/simulation/echo_scenario.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "proxy/io/task_scope.h"
#include "tests/simulation/echo_client.h"
#include "tests/simulation/echo_server.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/network.h"
#include "tests/simulation/sim_proactor.h"

namespace poplar::simulation {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr size_t kPayloadMax = size_t{48} * 1024;

Faults DrawFaults(World& world) {
  SeededRandom random = world.Stream("faults");
  Faults faults = Faults::Draw(random);
  faults.LeaveOut(world);
  return faults;
}

class EchoStory {
 public:
  EchoStory(World& world, EchoMistake mistake)
      : world_(world), random_(world.Stream("story")), network_(world, DrawFaults(world)) {
    const auto workers = static_cast<int>(random_.Between(1, 3));
    for (int i = 0; i < workers; ++i) {
      const std::string name = "worker " + std::to_string(i);
      workers_.push_back(std::make_unique<Worker>(network_, name, mistake));
    }
    for (auto& worker : workers_) worker->server.Start(*io::Address::Parse("0.0.0.0", 995));
  }

  void Run() {
    SpawnClients();
    PlanDisasters();
    world_.MustReach("every client is done", [this] { return ClientsDone(); }, hours(12));
    for (auto& worker : workers_) worker->server.Stop();
    world_.MustReach("the server is idle", [this] { return ServerIdle(); }, hours(12));
    for (const EchoClient& client : clients_) Judge(client);
    for (auto& worker : workers_) worker->proactor.MustBeIdle();
    client_machine_.MustBeIdle();
  }

 private:
  struct Worker {
    Worker(Network& network, const std::string& name, EchoMistake mistake)
        : proactor(network, name, *io::Address::Parse("10.0.0.1", 0)), server(proactor, mistake) {}
    SimProactor proactor;
    EchoServer server;
  };

  void SpawnClients() {
    const size_t count = random_.Between(1, 10);
    for (size_t i = 0; i < count; ++i) {
      // Half of them behave, so that most worlds get somewhere.
      const auto temper = random_.Chance(0.5)
                              ? EchoTemper::kPolite
                              : static_cast<EchoTemper>(random_.Below(kEchoTempers));
      clients_.emplace_back(client_machine_, workers_.front()->server.address(), DrawBytes(),
                            temper, world_.Stream("client " + std::to_string(i)));
      scope_.Spawn(clients_.back().Run(random_.Between(io::Duration(0), milliseconds(50))));
    }
  }

  // Where bytes travel one by one there are few of them: a seed must not take long.
  size_t DrawBytes() {
    const Faults& faults = network_.faults();
    const size_t piece = std::min({faults.segment_bytes_max, faults.read_bytes_max,
                                   faults.send_buffer_bytes, faults.receive_window_bytes});
    return random_.Between(0, std::min(kPayloadMax, piece * 150 + 100));
  }

  void PlanDisasters() {
    if (network_.faults().lossless()) return;
    const io::Duration when = random_.Between(io::Duration(0), milliseconds(500));
    if (random_.Chance(0.1)) {
      world_.After(when, [this] { network_.Vanish(client_machine_.host()); });
    } else if (random_.Chance(0.1)) {
      world_.After(when, [this] { workers_.back()->proactor.Kill(); });
    }
  }

  bool ClientsDone() const {
    return std::all_of(clients_.begin(), clients_.end(),
                       [](const EchoClient& client) { return client.done(); });
  }

  bool ServerIdle() const {
    return scope_.count() == 0 &&
           std::all_of(workers_.begin(), workers_.end(),
                       [](const auto& worker) { return worker->server.idle(); });
  }

  void Judge(const EchoClient& client) {
    const EchoTemper temper = client.temper();
    const bool stays = temper == EchoTemper::kPolite || temper == EchoTemper::kSlow ||
                       temper == EchoTemper::kFickle;
    if (!stays || !network_.faults().lossless()) return;
    world_.Require(client.complete(), "a client of a lossless world didn't get all it sent");
  }

  World& world_;
  SeededRandom random_;
  Network network_;
  std::vector<std::unique_ptr<Worker>> workers_;
  SimProactor client_machine_{network_, "clients", *io::Address::Parse("10.0.1.1", 0)};
  io::TaskScope scope_{client_machine_.ready()};
  std::deque<EchoClient> clients_;
};

}  // namespace

void RunEcho(World& world, EchoMistake mistake) { EchoStory(world, mistake).Run(); }

}  // namespace poplar::simulation
