#include "proxy/io/proactor.h"

#include <cassert>

namespace poplar::io {

Operation::~Operation() { assert(!in_flight_); }

void Operation::Complete(int result) {
  assert(in_flight_);
  in_flight_ = false;
  result_ = result;
  proactor_.ready().Push(*this);
}

void Lookout::Begin(Proactor& proactor, SocketId socket) {
  assert(!in_flight_);
  socket_ = socket;
  in_flight_ = true;
  proactor.StartLookout(*this);
}

Result<SocketId> Proactor::ListenOn(int) { return Fail(ENOTSUP); }

void AcceptOperation::await_suspend(std::coroutine_handle<> waiting) {
  Begin(waiting);
  proactor_.StartAccept(*this);
}

Result<Accepted> AcceptOperation::await_resume() {
  if (result_ < 0) return Fail(-result_);
  return Accepted{SocketId{result_}, peer, local};
}

void ConnectOperation::await_suspend(std::coroutine_handle<> waiting) {
  Begin(waiting);
  proactor_.StartConnect(*this);
}

Result<> ConnectOperation::await_resume() {
  if (result_ < 0) return Fail(-result_);
  return {};
}

void ReceiveOperation::await_suspend(std::coroutine_handle<> waiting) {
  Begin(waiting);
  proactor_.StartReceive(*this);
}

Result<Buffer> ReceiveOperation::await_resume() {
  if (result_ < 0) return Fail(-result_);
  return std::move(buffer);
}

void SendOperation::await_suspend(std::coroutine_handle<> waiting) {
  Begin(waiting);
  proactor_.StartSend(*this);
}

Result<> SendOperation::await_resume() {
  if (result_ < 0) return Fail(-result_);
  return {};
}

SleepOperation::SleepOperation(Proactor& proactor, Duration duration)
    : proactor_(proactor),
      duration_(duration),
      timer_(
          proactor.timers(),
          [](void* context) {
            auto* sleep = static_cast<SleepOperation*>(context);
            sleep->proactor_.ready().Push(*sleep);
          },
          this) {}

void SleepOperation::await_suspend(std::coroutine_handle<> waiting) {
  handle = waiting;
  timer_.Arm(proactor_.Now() + duration_);
}

void Proactor::RunReady(int most) {
  for (int i = 0; i < most; ++i) {
    Waiter* waiter = ready_.Pop();
    if (waiter == nullptr) return;
    waiter->handle.resume();
  }
}

}  // namespace poplar::io
