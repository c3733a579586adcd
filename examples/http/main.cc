// An application with its own HTTP server. LevelKeep's routes are beside the
// application's routes, and a restore takes place while the application runs.

#include <httplib.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>

#include "leveldb/db.h"
#include "levelkeep/backup_manager.h"
#include "levelkeep/http.h"

namespace {

using levelkeep::Status;
using levelkeep::StatusCode;

int Fail(const Status& status) {
  std::fprintf(stderr, "http: %s\n", status.ToString().c_str());
  return EXIT_FAILURE;
}

// The application's database. A restore closes and opens it again; requests
// that use the database meanwhile are told to come back.
class Store {
 public:
  explicit Store(levelkeep::BackupManager* manager) : manager_(manager) {}
  ~Store() { Close(); }

  Status Open() {
    const std::unique_lock lock(mutex_);
    leveldb::Options options;
    options.create_if_missing = true;
    options.env = manager_->env();
    leveldb::DB* opened = nullptr;
    const auto open =
        leveldb::DB::Open(options, manager_->options().storage_path(), &opened);
    if (!open.ok()) return Status(StatusCode::kIoError, open.ToString());
    db_.reset(opened);
    auto attachment = manager_->Attach(opened);
    if (!attachment.ok()) {
      db_.reset();
      return attachment.status();
    }
    attachment_ = std::move(*attachment);
    return Status::Ok();
  }

  // Waits for running requests. The attachment ends first, then the database.
  void Close() {
    const std::unique_lock lock(mutex_);
    attachment_.reset();
    db_.reset();
  }

  leveldb::Status Put(const std::string& key, const std::string& value) {
    const std::shared_lock lock(mutex_);
    if (db_ == nullptr) return leveldb::Status::IOError("a restore is running");
    return db_->Put(leveldb::WriteOptions(), key, value);
  }

  leveldb::Status Get(const std::string& key, std::string* value) {
    const std::shared_lock lock(mutex_);
    if (db_ == nullptr) return leveldb::Status::IOError("a restore is running");
    return db_->Get(leveldb::ReadOptions(), key, value);
  }

 private:
  levelkeep::BackupManager* const manager_;
  std::shared_mutex mutex_;
  std::unique_ptr<leveldb::DB> db_;
  std::unique_ptr<levelkeep::Attachment> attachment_;
};

void AddOwnRoutes(httplib::Server* server, Store* store) {
  server->Put(R"(/values/(\w+))", [store](const httplib::Request& request,
                                          httplib::Response& response) {
    const auto put = store->Put(request.matches[1].str(), request.body);
    response.status = put.ok() ? 204 : 503;
  });
  server->Get(R"(/values/(\w+))", [store](const httplib::Request& request,
                                          httplib::Response& response) {
    std::string value;
    const auto got = store->Get(request.matches[1].str(), &value);
    response.status = got.ok() ? 200 : got.IsNotFound() ? 404 : 503;
    response.set_content(value, "text/plain");
  });
}

int Run() {
  // Before any thread begins, so that all threads leave these signals to
  // sigwait.
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);

  auto options = levelkeep::BackupOptions::FromEnvironment();
  if (!options.ok()) return Fail(options.status());
  levelkeep::BackupManager manager(*options);
  const auto start = manager.Initialize();
  if (!start.ok()) return Fail(start.status());

  Store store(&manager);
  manager.SetRestoreHooks({.close =
                               [&store] {
                                 store.Close();
                                 return Status::Ok();
                               },
                           .reopen = [&store] { return store.Open(); }});
  const Status opened = store.Open();
  if (!opened.ok()) return Fail(opened);

  // Loopback only. For other addresses set ApiOptions::token, and see
  // docs/http-api.md.
  httplib::Server server;
  levelkeep::http::Mount(&server, &manager, levelkeep::http::ApiOptions());
  AddOwnRoutes(&server, &store);
  const int port = server.bind_to_any_port("127.0.0.1");
  if (port < 0) {
    return Fail(Status(StatusCode::kIoError, "no port is free on 127.0.0.1"));
  }
  std::jthread listener([&server] { server.listen_after_bind(); });
  while (!server.is_running()) std::this_thread::yield();
  std::printf("listening on http://127.0.0.1:%d\n", port);
  std::fflush(stdout);

  int signal = 0;
  sigwait(&stop, &signal);
  server.stop();
  listener.join();
  return EXIT_SUCCESS;
}

}  // namespace

int main() { return Run(); }
