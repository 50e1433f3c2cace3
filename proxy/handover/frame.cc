#include "proxy/handover/frame.h"

#include <algorithm>

namespace poplar::handover {
namespace {

constexpr size_t kFrameHeadBytes = 4;
constexpr size_t kFieldHeadBytes = 6;
// Below ProcessChannel::kMessageBytesMax, which also bounds how many fields a frame can have.
constexpr size_t kFrameBytesMax = size_t{60} * 1024;

void Append(std::string& bytes, uint64_t value, size_t size) {
  for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
}

uint64_t NumberFrom(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size(); ++i)
    value |= uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return value;
}

const Field* Find(const std::vector<Field>& fields, Tag tag) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [tag](const Field& field) { return field.tag == tag; });
  return found == fields.end() ? nullptr : &*found;
}

}  // namespace

Fields& Fields::Text(Tag tag, std::string_view value) {
  Append(bytes_, static_cast<uint64_t>(tag), 2);
  Append(bytes_, value.size(), 4);
  bytes_.append(value);
  return *this;
}

Fields& Fields::Number(Tag tag, uint64_t value) {
  std::string bytes;
  Append(bytes, value, 8);
  return Text(tag, bytes);
}

std::string FrameOf(FrameKind kind, const Fields& fields) {
  std::string bytes;
  Append(bytes, kFormat, 2);
  Append(bytes, static_cast<uint64_t>(kind), 2);
  return bytes + fields.bytes();
}

std::vector<std::string> FramesOf(FrameKind kind, Tag tag, const std::vector<Fields>& records) {
  std::vector<std::string> frames;
  Fields some;
  for (const Fields& record : records) {
    if (some.bytes().size() + record.bytes().size() > kFrameBytesMax) {
      frames.push_back(FrameOf(kind, some));
      some = {};
    }
    some.Nested(tag, record);
  }
  if (!some.bytes().empty()) frames.push_back(FrameOf(kind, some));
  return frames;
}

uint64_t Field::number() const { return value.size() == 8 ? NumberFrom(value) : 0; }

std::optional<std::vector<Field>> ParseFields(std::string_view bytes) {
  std::vector<Field> fields;
  while (!bytes.empty()) {
    if (bytes.size() < kFieldHeadBytes) return std::nullopt;
    const uint64_t length = NumberFrom(bytes.substr(2, 4));
    if (length > bytes.size() - kFieldHeadBytes) return std::nullopt;
    fields.push_back({static_cast<Tag>(NumberFrom(bytes.substr(0, 2))),
                      bytes.substr(kFieldHeadBytes, static_cast<size_t>(length))});
    bytes.remove_prefix(kFieldHeadBytes + static_cast<size_t>(length));
  }
  return fields;
}

std::optional<Frame> ParseFrame(std::string_view bytes) {
  if (bytes.size() < kFrameHeadBytes || NumberFrom(bytes.substr(0, 2)) != kFormat)
    return std::nullopt;
  auto fields = ParseFields(bytes.substr(kFrameHeadBytes));
  if (!fields) return std::nullopt;
  return Frame{static_cast<FrameKind>(NumberFrom(bytes.substr(2, 2))), std::move(*fields)};
}

std::string_view TextIn(const std::vector<Field>& fields, Tag tag) {
  const Field* const field = Find(fields, tag);
  return field == nullptr ? std::string_view() : field->value;
}

uint64_t NumberIn(const std::vector<Field>& fields, Tag tag) {
  const Field* const field = Find(fields, tag);
  return field == nullptr ? 0 : field->number();
}

}  // namespace poplar::handover
