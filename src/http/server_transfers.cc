#include "http/server_transfers.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <system_error>
#include <vector>

#include "base/log.h"
#include "http/server_socket.h"

namespace levelkeep::http {

namespace {

constexpr size_t kPartBytes = 256 << 10;
constexpr int kPollMs = 200;  // how soon a stop is noticed
constexpr int kLingerMs = 1000;

bool PeerIsGone(int fd) {
  pollfd entry{fd, POLLRDHUP, 0};
  return ::poll(&entry, 1, 0) > 0;
}

// Waits until the peer has read everything and closes too; closing first
// could make it lose the end of the answer.
void CloseGently(UniqueFd* fd) {
  ::shutdown(fd->get(), SHUT_WR);
  char buffer[4096];
  for (int waited = 0; waited < kLingerMs; waited += kPollMs) {
    pollfd entry{fd->get(), POLLIN, 0};
    if (::poll(&entry, 1, kPollMs) <= 0) continue;
    if (::recv(fd->get(), buffer, sizeof(buffer), 0) <= 0) break;
  }
  fd->Reset();
}

std::string AsChunk(const std::string& data) {
  char size[24];
  std::snprintf(size, sizeof(size), "%zx\r\n", data.size());
  std::string chunk(size);
  return chunk.append(data).append("\r\n");
}

}  // namespace

TransferSet::~TransferSet() { Cut(); }

void TransferSet::Reap() {
  transfers_.remove_if([](const Transfer& t) { return t.done.load(); });
}

bool TransferSet::Start(UniqueFd* fd, std::string head, Response response,
                        bool chunked) {
  const bool is_stream = response.stream != nullptr;
  MutexLock lock(&mutex_);
  Reap();
  const auto same_kind = std::count_if(
      transfers_.begin(), transfers_.end(), [&](const Transfer& transfer) {
        return (transfer.response.stream != nullptr) == is_stream;
      });
  if (same_kind >= (is_stream ? limits_.max_streams : limits_.max_downloads)) {
    return false;
  }
  Transfer& transfer = transfers_.emplace_back();
  transfer.fd = std::move(*fd);
  transfer.head = std::move(head);
  transfer.response = std::move(response);
  transfer.chunked = chunked;
  try {
    transfer.thread = std::jthread(
        [this, &transfer](std::stop_token stop) { Run(stop, &transfer); });
  } catch (const std::system_error&) {  // no more threads
    *fd = std::move(transfer.fd);
    transfers_.pop_back();
    return false;
  }
  return true;
}

void TransferSet::EndStreams() {
  MutexLock lock(&mutex_);
  for (Transfer& transfer : transfers_) {
    if (transfer.response.stream != nullptr) transfer.thread.request_stop();
  }
}

int TransferSet::active() {
  MutexLock lock(&mutex_);
  Reap();
  return static_cast<int>(transfers_.size());
}

void TransferSet::Cut() {
  std::list<Transfer> ending;
  {
    MutexLock lock(&mutex_);
    for (Transfer& transfer : transfers_) transfer.thread.request_stop();
    ending.swap(transfers_);
  }
  ending.clear();  // joins
}

void TransferSet::Run(std::stop_token stop, Transfer* transfer) const {
  try {
    bool sent = SendAll(stop, transfer->fd.get(), transfer->head);
    if (sent) {
      sent = transfer->response.stream ? SendStream(stop, transfer)
                                       : SendFile(stop, *transfer);
    }
    if (sent) CloseGently(&transfer->fd);
  } catch (const std::exception& error) {
    LogError("Http", std::string("a transfer failed: ") + error.what());
  }
  transfer->fd.Reset();
  transfer->done = true;
}

bool TransferSet::SendAll(std::stop_token stop, int fd,
                          std::string_view data) const {
  using std::chrono::steady_clock;
  auto deadline = steady_clock::now() + limits_.send_timeout;
  size_t sent = 0;
  while (true) {
    const size_t before = sent;
    switch (SendSome(fd, data.data(), data.size(), &sent)) {
      case SendResult::kAll:
        return true;
      case SendResult::kFailed:
        return false;
      case SendResult::kSome:
        break;
    }
    if (sent > before) deadline = steady_clock::now() + limits_.send_timeout;
    if (stop.stop_requested() || steady_clock::now() > deadline) return false;
    pollfd entry{fd, POLLOUT, 0};
    ::poll(&entry, 1, kPollMs);
  }
}

bool TransferSet::SendFile(std::stop_token stop,
                           const Transfer& transfer) const {
  const Response& response = transfer.response;
  std::string part;
  for (uint64_t done = 0; done < response.file_size; done += part.size()) {
    if (stop.stop_requested()) return false;
    part.resize(static_cast<size_t>(
        std::min<uint64_t>(kPartBytes, response.file_size - done)));
    // The length is out already: closing early is how the client learns.
    if (!ReadExactly(*response.file, response.file_offset + done, part.data(),
                     part.size())
             .ok() ||
        !SendAll(stop, transfer.fd.get(), part)) {
      return false;
    }
  }
  return true;
}

bool TransferSet::SendStream(std::stop_token stop, Transfer* transfer) const {
  const int fd = transfer->fd.get();
  bool more = true;
  std::string part;
  while (more && !stop.stop_requested()) {
    part.clear();
    more = transfer->response.stream->Next(&part);
    if (PeerIsGone(fd)) return false;
    if (part.empty()) continue;
    if (!SendAll(stop, fd, transfer->chunked ? AsChunk(part) : part)) {
      return false;
    }
  }
  // Also after a stop: a proper end makes clients connect again at once.
  return !transfer->chunked || SendAll({}, fd, "0\r\n\r\n");
}

}  // namespace levelkeep::http
