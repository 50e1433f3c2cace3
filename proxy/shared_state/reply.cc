#include "proxy/shared_state/reply.h"

#include <hiredis/hiredis.h>

#include <charconv>
#include <utility>

#include "proxy/shared_state/limits.h"

namespace poplar::shared_state {
namespace {

// hiredis owns a reply by its first object; the rest hang on it.
Reply* Place(const redisReadTask* task, std::unique_ptr<Reply> reply) {
  if (task->parent == nullptr) return reply.release();
  auto& siblings = static_cast<Reply*>(task->parent->obj)->list;
  siblings.push_back(std::move(reply));
  return siblings.back().get();
}

void* CreateText(const redisReadTask* task, char* bytes, size_t size) {
  auto reply = std::make_unique<Reply>();
  reply->kind = task->type == REDIS_REPLY_ERROR ? Reply::Kind::kError : Reply::Kind::kText;
  reply->text.assign(bytes, size);
  return Place(task, std::move(reply));
}

// Room is taken as elements come, not as they are announced.
void* CreateList(const redisReadTask* task, int /*elements*/) {
  auto reply = std::make_unique<Reply>();
  reply->kind = Reply::Kind::kList;
  return Place(task, std::move(reply));
}

void* CreateNumber(const redisReadTask* task, long long number) {
  auto reply = std::make_unique<Reply>();
  reply->kind = Reply::Kind::kNumber;
  reply->number = number;
  return Place(task, std::move(reply));
}

void* CreateNil(const redisReadTask* task) { return Place(task, std::make_unique<Reply>()); }

void Free(void* reply) { delete static_cast<Reply*>(reply); }

redisReplyObjectFunctions functions = {CreateText, CreateList, CreateNumber, CreateNil, Free};

}  // namespace

const Reply& Reply::at(size_t index) const {
  static const Reply kNone;
  return index < list.size() ? *list[index] : kNone;
}

std::optional<int64_t> Reply::AsNumber() const {
  if (kind == Kind::kNumber) return number;
  if (kind != Kind::kText) return std::nullopt;
  int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || at != end) return std::nullopt;
  return value;
}

struct ReplyReader::Reader {
  Reader() : parser(redisReaderCreateWithFunctions(&functions)) {}
  ~Reader() { redisReaderFree(parser); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  redisReader* const parser;
  size_t fed = 0;  // since the last whole reply
};

ReplyReader::ReplyReader() : reader_(std::make_unique<Reader>()) {}
ReplyReader::~ReplyReader() = default;

tl::expected<void, std::string> ReplyReader::Feed(std::string_view bytes) {
  reader_->fed += bytes.size();
  if (reader_->fed > kAnswerBytesMax) return tl::unexpected(std::string("the answer is too long"));
  if (redisReaderFeed(reader_->parser, bytes.data(), bytes.size()) != REDIS_OK)
    return tl::unexpected(std::string(reader_->parser->errstr));
  return {};
}

tl::expected<std::unique_ptr<Reply>, std::string> ReplyReader::Next() {
  void* reply = nullptr;
  if (redisReaderGetReply(reader_->parser, &reply) != REDIS_OK)
    return tl::unexpected(std::string(reader_->parser->errstr));
  if (reply != nullptr) reader_->fed = reader_->parser->len - reader_->parser->pos;
  return std::unique_ptr<Reply>(static_cast<Reply*>(reply));
}

pop3::Secret RenderRequest(std::span<const std::string_view> words) {
  std::vector<const char*> starts;
  std::vector<size_t> sizes;
  for (const std::string_view word : words) {
    starts.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* text = nullptr;
  const int size =
      redisFormatCommandArgv(&text, static_cast<int>(words.size()), starts.data(), sizes.data());
  if (size < 0) return {};
  pop3::Secret request(std::string_view(text, static_cast<size_t>(size)));
  pop3::Wipe(text, static_cast<size_t>(size));
  redisFreeCommand(text);
  return request;
}

}  // namespace poplar::shared_state
