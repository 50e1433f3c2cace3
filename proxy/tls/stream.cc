#include "proxy/tls/stream.h"

#include <cassert>
#include <string>
#include <utility>

#include "proxy/io/proactor.h"

namespace poplar::tls {

using io::Buffer;
using io::BufferUse;
using io::Fail;
using io::Result;
using io::Task;

TlsStream::TlsStream(std::unique_ptr<io::Stream> transport, std::unique_ptr<Engine> engine,
                     io::BufferPool& buffers, io::RunList& ready)
    : transport_(std::move(transport)),
      engine_(std::move(engine)),
      buffers_(&buffers),
      write_turn_(ready) {}

Task<Result<>> TlsStream::Handshake(Buffer received) {
  ciphertext_ = std::move(received);
  const io::Turn::Hold turn = co_await write_turn_.Take();
  for (;;) {
    if (aborted_) co_return Fail(ECANCELED);
    Buffer out = co_await buffers_->Take(BufferUse::kSend);
    const Status status = engine_->Handshake(ciphertext_, out);
    if (ciphertext_.empty()) ciphertext_.Release();
    const Result<> sent = co_await Send(out.bytes());
    out.Release();
    if (status == Status::kFailed) co_return Fail(aborted_ ? ECANCELED : EPROTO);
    if (!sent) co_return sent;
    if (status == Status::kOk) co_return Result<>();
    if (status == Status::kClosed) co_return Fail(ECONNRESET);
    if (status == Status::kWantOutput) continue;
    const Result<> more = co_await Receive();
    if (more) continue;
    if (!more.error().cancelled()) engine_->OnPeerLeft();
    co_return more;
  }
}

// Not in smaller pieces: each idle session has this frame.
Task<Result<Buffer>> TlsStream::Read() {
  assert(!reading_);
  reading_ = true;
  cancel_read_ = false;
  Result<Buffer> read = Buffer();
  for (;;) {
    if (aborted_ || cancel_read_) {
      read = Fail(ECANCELED);
      break;
    }
    if (ciphertext_.empty() && !engine_->readable()) {
      receiving_ = true;
      read = co_await transport_->Read();
      receiving_ = false;
      const int code = Took(read);
      if (code == 0) continue;
      read = Fail(code);
      break;
    }
    if (ciphertext_.size() > io::kBufferBytes) read = buffers_->TryTakeLarge();
    if (read->room().empty()) read = co_await buffers_->Take(BufferUse::kPlaintext);
    const Status status = engine_->Read(ciphertext_, *read);
    if (ciphertext_.empty()) ciphertext_.Release();
    if (status == Status::kOk) break;
    read->Release();
    if (status == Status::kClosed) break;
    if (status == Status::kFailed) {
      co_await SendAlert();
      read = Fail(aborted_ ? ECANCELED : EPROTO);
      break;
    }
    assert(status == Status::kWantInput);
  }
  reading_ = false;
  co_return std::move(read);
}

Task<Result<>> TlsStream::WriteRecords(std::string_view bytes, bool more) {
  const io::Turn::Hold turn = co_await write_turn_.Take();
  while (!bytes.empty()) {
    if (aborted_) co_return Fail(ECANCELED);
    Buffer out;
    if (bytes.size() > Engine::kRecordBytesMax) out = buffers_->TryTakeLarge();
    if (out.room().empty()) out = co_await buffers_->Take(BufferUse::kSend);
    size_t taken = 0;
    const Status status = engine_->Write(bytes, &taken, out);
    bytes.remove_prefix(taken);
    const bool goes_on = status != Status::kFailed && (more || !bytes.empty());
    const Result<> sent = co_await Send(out.bytes(), goes_on);
    if (!sent) co_return sent;
    if (status == Status::kFailed) co_return Fail(EPROTO);
  }
  co_return Result<>();
}

Task<Result<>> TlsStream::Finish(std::string_view last) {
  const io::Turn::Hold turn = co_await write_turn_.Take();
  Status status = Status::kWantOutput;
  while (status == Status::kWantOutput) {
    if (aborted_) co_return Fail(ECANCELED);
    Buffer out = co_await buffers_->Take(BufferUse::kSend);
    status = Status::kOk;
    if (!last.empty()) {  // perhaps there was no handshake
      size_t taken = 0;
      status = engine_->Write(last, &taken, out);
      last.remove_prefix(taken);
    }
    if (status == Status::kOk) status = engine_->Shutdown(out);
    if (status == Status::kOk) co_return co_await transport_->Finish(out.bytes());
    const Result<> sent = co_await Send(out.bytes(), status == Status::kWantOutput);
    if (!sent) co_return sent;
  }
  co_return Fail(EPROTO);
}

bool TlsStream::LookOut(io::Lookout& lookout) {
  assert(!reading_);
  if (aborted_ || !ciphertext_.empty() || engine_->readable()) return false;
  return transport_->LookOut(lookout);
}

void TlsStream::CancelRead() {
  if (reading_) cancel_read_ = true;
  // A read that waits, or a lookout; not a handshake.
  if (receiving_ == reading_) transport_->CancelRead();
}

void TlsStream::Abort() {
  aborted_ = true;
  transport_->Abort();
}

bool TlsStream::Detach() {
  assert(buffers_ != nullptr);
  const bool under_way = reading_ || write_turn_.taken();
  if (under_way || aborted_ || !engine_->handshaken() || engine_->HoldsInput()) return false;
  if (!ciphertext_.empty() || !transport_->Detach()) return false;
  ciphertext_.Release();
  buffers_ = nullptr;
  return true;
}

void TlsStream::Attach(io::Proactor& proactor) {
  assert(buffers_ == nullptr);
  transport_->Attach(proactor);
  buffers_ = &proactor.buffers();
  write_turn_.MoveTo(proactor.ready());
}

bool TlsStream::Quiet() {
  assert(!reading_ && buffers_ != nullptr);
  return ciphertext_.empty() && !engine_->HoldsInput() && transport_->Quiet();
}

bool TlsStream::MoreWaits() const {
  return engine_->readable() || !ciphertext_.empty() || transport_->MoreWaits();
}

Task<Result<>> TlsStream::Receive() {
  receiving_ = true;
  Result<Buffer> received = co_await transport_->Read();
  receiving_ = false;
  const int code = Took(received);
  if (code != 0) co_return Fail(code);
  co_return Result<>();
}

// One piece of ciphertext into the empty buffer; 0, or an errno. The end of the transport is never
// an orderly end of TLS.
int TlsStream::Took(Result<Buffer>& received) {
  if (!received) return received.error().code;
  if (received->empty()) return ECONNRESET;
  ciphertext_ = std::move(*received);
  return 0;
}

Task<Result<>> TlsStream::Send(std::string_view sealed, bool more) {
  if (aborted_) co_return Fail(ECANCELED);
  if (sealed.empty()) co_return Result<>();
  if (more) co_return co_await transport_->WriteMore(sealed);
  co_return co_await transport_->Write(sealed);
}

// What becomes of the alert changes nothing: the stream has failed already.
Task<void> TlsStream::SendAlert() {
  const io::Turn::Hold turn = co_await write_turn_.Take();
  const std::string alert = engine_->TakeAlert();
  co_await Send(alert);
}

}  // namespace poplar::tls
