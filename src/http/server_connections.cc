#include "http/server_connections.h"

#include <sys/socket.h>

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include "base/log.h"

namespace levelkeep::http {

using std::chrono::steady_clock;

ConnectionSet::ConnectionSet(size_t max_connections, Serve serve)
    : max_connections_(max_connections), serve_(std::move(serve)) {}

ConnectionSet::~ConnectionSet() { EndAll(); }

void ConnectionSet::Run(Connection* connection) {
  try {
    serve_(connection);
  } catch (const std::exception& error) {
    LogError("Http", std::string("a connection failed: ") + error.what());
  }
  {
    MutexLock lock(&mutex_);
    connection->fd_.Reset();
    connection->phase_ = Phase::kLeaving;
    connection->done_ = true;
  }
  changed_.notify_all();
}

void ConnectionSet::End(Connection* connection) {
  connection->told_to_end_ = true;
  // Wakes the connection's thread from any wait.
  if (!connection->done_) ::shutdown(connection->fd(), SHUT_RDWR);
}

ConnectionSet::Connection* ConnectionSet::Evictable() {
  Connection* oldest = nullptr;
  for (Connection& connection : connections_) {
    if (connection.phase_ == Phase::kWorking) continue;
    if (oldest == nullptr || connection.since_ < oldest->since_) {
      oldest = &connection;
    }
  }
  return oldest;
}

void ConnectionSet::Reap(Connection* evicted) {
  std::list<Connection> ended;
  {
    MutexLock lock(&mutex_);
    for (auto it = connections_.begin(); it != connections_.end();) {
      const auto next = std::next(it);
      if (it->done_ || &*it == evicted) {
        ended.splice(ended.end(), connections_, it);
      }
      it = next;
    }
  }
  for (Connection& connection : ended) connection.thread_.join();
}

bool ConnectionSet::Add(UniqueFd* fd) {
  Reap(nullptr);
  Connection* evicted = nullptr;
  {
    MutexLock lock(&mutex_);
    if (stopping_) return false;
    if (connections_.size() >= max_connections_) {
      evicted = Evictable();
      if (evicted == nullptr) return false;
      End(evicted);
    }
  }
  // Joining is quick: that thread is not working and can't begin to.
  if (evicted != nullptr) Reap(evicted);
  MutexLock lock(&mutex_);
  Connection& added = connections_.emplace_back();
  added.since_ = steady_clock::now();
  added.fd_ = std::move(*fd);
  try {
    added.thread_ = std::thread([this, &added] { Run(&added); });
  } catch (const std::exception&) {  // no thread, or no memory for it
    *fd = std::move(added.fd_);
    connections_.pop_back();
    return false;
  }
  return true;
}

bool ConnectionSet::Enter(Phase phase, Connection* connection) {
  {
    MutexLock lock(&mutex_);
    if (connection->told_to_end_) return false;
    if (stopping_ && phase == Phase::kReading) return false;
    connection->phase_ = phase;
    connection->since_ = steady_clock::now();
  }
  changed_.notify_all();
  return true;
}

void ConnectionSet::EndReading() {
  MutexLock lock(&mutex_);
  stopping_ = true;
  for (Connection& connection : connections_) {
    if (connection.phase_ == Phase::kReading) End(&connection);
  }
}

bool ConnectionSet::WaitForWork(steady_clock::time_point deadline) {
  MutexLock lock(&mutex_);
  return changed_.wait_until(mutex_, deadline, [this]() REQUIRES_LOCK(mutex_) {
    return std::none_of(
        connections_.begin(), connections_.end(),
        [](const Connection& c) { return c.phase_ == Phase::kWorking; });
  });
}

void ConnectionSet::EndAll() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    for (Connection& connection : connections_) End(&connection);
    changed_.wait(mutex_, [this]() REQUIRES_LOCK(mutex_) {
      return std::all_of(connections_.begin(), connections_.end(),
                         [](const Connection& c) { return c.done_; });
    });
  }
  Reap(nullptr);
}

}  // namespace levelkeep::http
