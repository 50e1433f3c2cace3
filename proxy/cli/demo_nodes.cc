#include "proxy/cli/demo_nodes.h"

#include <system_error>

#include "proxy/demo/demo_mail.h"

namespace poplar::cli {

tl::expected<std::unique_ptr<DemoNodes>, std::string> DemoNodes::Start(int count,
                                                                       io::EngineWish io) {
  return StartAt(std::vector<io::Address>(count, io::Address::Loopback(0)), io);
}

tl::expected<std::unique_ptr<DemoNodes>, std::string> DemoNodes::StartAt(
    std::span<const io::Address> addresses, io::EngineWish io) {
  std::unique_ptr<DemoNodes> nodes(new DemoNodes);
  auto proactor = io::OpenWished(io, nodes->clock_, nodes->random_, {});
  if (!proactor) return tl::unexpected(proactor.error().text);
  nodes->proactor_ = std::move(*proactor);
  nodes->root_ = std::make_unique<io::TaskScope>(nodes->proactor_->ready());
  demo::AddDemoMail(nodes->store_);
  for (const io::Address& wanted : addresses) {
    nodes->nodes_.push_back(std::make_unique<demo::MailNode>(
        *nodes->proactor_, nodes->store_,
        demo::MailNodeOptions{.name = "node" + std::to_string(nodes->nodes_.size() + 1)}));
    const auto address = nodes->nodes_.back()->Listen(wanted);
    if (!address) {
      return tl::unexpected("a demo node cannot listen on " + wanted.Text() + ": " +
                            address.error().Text());
    }
    nodes->addresses_.push_back(*address);
  }
  try {
    nodes->thread_ = std::thread([proactor = nodes->proactor_.get()] { proactor->Run(); });
  } catch (const std::system_error& error) {
    return tl::unexpected(std::string("cannot start the demo nodes' thread: ") + error.what());
  }
  return nodes;
}

DemoNodes::~DemoNodes() {
  if (root_ == nullptr) return;
  proactor_->PostFromAnyThread([this] { root_->Spawn(StopNodes()); });
  if (thread_.joinable()) {
    thread_.join();
  } else {
    proactor_->Run();  // the start failed half-way: what has begun to listen ends here
  }
}

io::Task<void> DemoNodes::StopNodes() {
  for (const auto& node : nodes_) node->Stop();
  for (const auto& node : nodes_) co_await node->Stopped();
  proactor_->Stop();
}

}  // namespace poplar::cli
