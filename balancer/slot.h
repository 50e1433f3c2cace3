#pragma once

namespace poplar::balancer {

class NodePool;

// The right to one upstream connection of a node; counts from being taken until it goes. Released
// from any thread; the next login in the queue is then served.
class Slot {
 public:
  Slot() = default;
  Slot(Slot&& other) noexcept;
  Slot& operator=(Slot&& other) noexcept;
  ~Slot() { Release(); }

  explicit operator bool() const { return pool_ != nullptr; }
  // Idempotent. May call a waiter's OnGranted.
  void Release();

 private:
  friend class NodePool;
  explicit Slot(NodePool* pool) : pool_(pool) {}

  NodePool* pool_ = nullptr;
  bool ending_ = false;  // its connection has been handed out to be ended
};

// What a pool keeps without ever looking into it. It brings its slot along, which goes last. A
// login that finds its warm connection dead may keep the slot for the next one: std::move it out.
class PooledConnection {
 public:
  virtual ~PooledConnection() = default;

  Slot slot;
};

}  // namespace poplar::balancer
