// Mounts the routes on a server of its own and asks one of them.

#include <httplib.h>

#include <cstdio>
#include <string>
#include <thread>

#include "levelkeep/backup_manager.h"
#include "levelkeep/http.h"

int main() {
  auto options = levelkeep::BackupOptions::FromEnvironment();
  if (!options.ok()) return 1;
  levelkeep::BackupManager manager(*options);
  auto start = manager.Initialize();
  if (!start.ok()) {
    std::fprintf(stderr, "%s\n", start.status().ToString().c_str());
    return 1;
  }

  httplib::Server server;
  levelkeep::http::ApiOptions api;
  levelkeep::http::Mount(&server, &manager, api);
  const int port = server.bind_to_any_port("127.0.0.1");
  std::jthread listener([&server] { server.listen_after_bind(); });
  while (!server.is_running()) std::this_thread::yield();

  httplib::Client client("127.0.0.1", port);
  const auto answer = client.Get("/api/backup/list");
  server.stop();
  if (!answer || answer->status != 200) return 1;
  std::printf("%s\n", answer->body.c_str());
  return answer->body.find("\"success\":true") == std::string::npos ? 1 : 0;
}
