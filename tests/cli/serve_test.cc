// serve, health and worker, in threads of this process.

#include <httplib.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "cli/application.h"
#include "cli_fixture.h"
#include "eventstore/lock_holder.h"

namespace levelkeep::cli {
namespace {

// A buffer that a thread writes while the test reads it.
class SharedBuffer : public std::stringbuf {
 public:
  std::string text() {
    std::lock_guard lock(mutex_);
    return str();
  }

 protected:
  std::streamsize xsputn(const char* data, std::streamsize size) override {
    std::lock_guard lock(mutex_);
    return std::stringbuf::xsputn(data, size);
  }
  int overflow(int c) override {
    std::lock_guard lock(mutex_);
    return std::stringbuf::overflow(c);
  }

 private:
  std::recursive_mutex mutex_;  // xsputn calls overflow
};

// A service verb that runs until Stop().
class Service {
 public:
  Service(World world, std::vector<std::string> arguments)
      : out_(&out_buffer_), err_(&err_buffer_) {
    world.out = &out_;
    world.err = &err_;
    world.stop = stop_.get_token();
    world.clock = Clock::System();
    thread_ = std::jthread([this, world, arguments] {
      code_ = cli::Run(arguments, world);
      ended_ = true;
    });
  }
  ~Service() { Stop(); }

  // Waits for a line on standard output; empty if the verb ends before.
  std::string WaitForLine() {
    while (!ended_ && out_buffer_.text().find('\n') == std::string::npos) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return out_buffer_.text();
  }
  int Stop() {
    stop_.request_stop();
    if (thread_.joinable()) thread_.join();
    return code_;
  }
  std::string err() { return err_buffer_.text(); }

 private:
  SharedBuffer out_buffer_, err_buffer_;
  std::ostream out_, err_;
  std::stop_source stop_;
  std::atomic<bool> ended_{false};
  std::atomic<int> code_{-1};
  std::jthread thread_;
};

class ServeTest : public CliTest {
 protected:
  ServeTest() { environment_["API_PORT"] = "0"; }

  std::unique_ptr<Service> Start(std::vector<std::string> arguments) {
    return std::make_unique<Service>(NewWorld(nullptr, nullptr, nullptr),
                                     std::move(arguments));
  }
  // Starts `serve --json`; sets `port_`.
  std::unique_ptr<Service> Serve() {
    auto service = Start({"serve", "--json"});
    const std::string line = service->WaitForLine();
    const auto json = nlohmann::json::parse(line, nullptr, false);
    EXPECT_TRUE(json.is_object() && json.contains("url"))
        << line << service->err();
    if (json.is_object() && json.contains("url")) {
      const std::string url = json["url"];
      port_ = std::stoi(url.substr(url.rfind(':') + 1));
    }
    return service;
  }
  httplib::Client NewClient() const {
    httplib::Client client("127.0.0.1", port_);
    client.set_read_timeout(60);
    return client;
  }
  nlohmann::json Post(const std::string& path, const std::string& body) {
    const auto answer =
        NewClient().Post(path.c_str(), body, "application/json");
    EXPECT_TRUE(answer) << path;
    return answer ? nlohmann::json::parse(answer->body) : nlohmann::json();
  }
  nlohmann::json Get(const std::string& path) {
    const auto answer = NewClient().Get(path.c_str());
    EXPECT_TRUE(answer) << path;
    return answer ? nlohmann::json::parse(answer->body) : nlohmann::json();
  }

  int port_ = 0;
};

TEST_F(ServeTest, SaysInOneLineWhenItIsReadyAndStopsWithZero) {
  auto service = Start({"serve"});
  const std::string line = Normalize(service->WaitForLine());
  EXPECT_TRUE(std::regex_match(
      line, std::regex("levelkeep [0-9.]+ listening on "
                       "http://127\\.0\\.0\\.1:[0-9]+ \\(database "
                       "DIR/storage/event_registry_db, backups "
                       "DIR/backups\\)\n")))
      << line << service->err();
  EXPECT_EQ(service->Stop(), 0) << service->err();
}

TEST_F(ServeTest, ServesEventsAndBackupsAndRestoresWithoutARestart) {
  auto service = Serve();
  EXPECT_EQ(Post("/api/events", "{\"type\":\"a\"}").at("sequence"), 1);
  const std::string name =
      Post("/api/backup/create", "{\"label\":\"x\"}").at("name");
  EXPECT_EQ(Post("/api/events", "[{\"type\":\"b\"}]").at("last"), 2);
  const auto before = Get("/api/events");
  const auto restored =
      Post("/api/backup/restore", "{\"backupName\":\"" + name + "\"}");
  EXPECT_EQ(restored.value("applied", false), true) << restored.dump();
  const auto after = Get("/api/events");
  EXPECT_EQ(after.at("events").size(), 1u);
  EXPECT_NE(after.at("epoch"), before.at("epoch"));
  EXPECT_EQ(Post("/api/events", "{\"type\":\"c\"}").at("sequence"), 2);
  EXPECT_EQ(service->Stop(), 0) << service->err();
  EXPECT_EQ(CountEvents(db_dir()), 2u);
}

TEST_F(ServeTest, CountsTheEventsOfItsBackups) {
  auto service = Serve();
  Post("/api/events", "[{\"type\":\"a\"},{\"type\":\"b\"}]");
  Post("/api/backup/create", "");
  const auto latest = Get("/api/backup/latest");
  EXPECT_NE(latest.dump().find("\"eventCount\":2"), std::string::npos)
      << latest.dump();
}

TEST_F(ServeTest, RestoresADroppedBackupAtTheStart) {
  AppendEvents(3);
  const std::string name = CreateBackup();
  AppendEvents(2);
  ASSERT_EQ(test::Shell("mkdir -p '" + dir_.Sub("restore") + "' && cp '" +
                        BackupPath(name) + "' '" + dir_.Sub("restore") +
                        "' && touch -d '1 hour ago' '" +
                        dir_.Sub("restore/" + name) + "'"),
            0);
  auto service = Serve();
  EXPECT_EQ(Get("/api/events").at("last"), 3);
}

TEST_F(ServeTest, EventStreamsDoNotHoldUpTheEnd) {
  auto service = Serve();
  std::atomic<bool> streaming{false};
  std::jthread reader([&] {
    NewClient().Get("/api/events/stream", [&](const char*, size_t) {
      streaming = true;
      return true;
    });
  });
  while (!streaming) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(service->Stop(), 0);
}

TEST_F(ServeTest, AStartThatFailsSaysWhyWithItsCode) {
  AppendEvents(1);
  {
    const test::LockHolder holder(db_dir() + "/LOCK");
    ASSERT_TRUE(holder.holds());
    const Outcome held = RunCli({"serve"});
    EXPECT_EQ(held.code, 4) << held.err;
    EXPECT_NE(held.err.find("pid " + holder.pid()), std::string::npos)
        << held.err;
  }
  auto first = Serve();
  const Outcome second = RunCli({"serve", "--json"});
  EXPECT_EQ(second.code, 4) << second.err;
  EXPECT_EQ(second.json().at("code"), "busy");
  environment_["STORAGE_DIR"] = dir_.Sub("other");
  environment_["API_PORT"] = std::to_string(port_);
  const Outcome port_taken = RunCli({"serve"});
  EXPECT_EQ(port_taken.code, 4) << port_taken.err;
  EXPECT_NE(port_taken.err.find(std::to_string(port_)), std::string::npos)
      << port_taken.err;
  environment_["API_HOST"] = "0.0.0.0";
  EXPECT_EQ(RunCli({"serve"}).code, 2);  // it has no token
}

TEST_F(ServeTest, CreateBesideAServerIsHotAndWithoutASocketExternal) {
  auto service = Serve();
  Post("/api/events", "{\"type\":\"a\"}");
  const Outcome hot = RunCli({"create", "--json"});
  EXPECT_EQ(hot.code, 0) << hot.err;
  EXPECT_EQ(hot.json().at("way"), "hot");
  EXPECT_EQ(hot.json().at("via"), "server");
  std::filesystem::remove(dir_.Sub("storage") +
                          "/.levelkeep/event_registry_db/control.sock");
  // In the server's process the tool must not touch LOCK; the report says so.
  const Outcome made = RunCli({"create", "--json"});
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(made.json().at("way"), "external");
  EXPECT_EQ(made.json().at("via"), "folders");
}

TEST_F(ServeTest, HealthAsksTheServer) {
  auto service = Serve();
  const std::string url = "http://127.0.0.1:" + std::to_string(port_);
  const Outcome healthy = RunCli({"health", "--url", url});
  EXPECT_EQ(healthy.code, 0) << healthy.err;
  EXPECT_EQ(healthy.out, "ok: 0 backups, 0.00 MB\n");
  environment_["API_PORT"] = std::to_string(port_);
  const Outcome json = RunCli({"health", "--json"});
  EXPECT_EQ(json.json().at("status"), "ok");
  EXPECT_EQ(json.json().at("success"), true);
  EXPECT_EQ(service->Stop(), 0);
  const Outcome down = RunCli({"health"});
  EXPECT_EQ(down.code, 1);
  EXPECT_NE(down.err.find("error: no answer from " + url), std::string::npos)
      << down.err;
}

TEST_F(ServeTest, HealthTakesAnAddressAndNothingElse) {
  auto service = Serve();
  const std::string url = "http://127.0.0.1:" + std::to_string(port_);
  const Outcome slash = RunCli({"health", "--url", url + "/"});
  EXPECT_EQ(slash.code, 0) << slash.err;
  for (const std::string& odd :
       {url + "/api/health", url + "//", url + "?x", std::string("http://"),
        std::string("http://:80"), std::string("http://h:99999"),
        std::string("http://h:0"), std::string("http://h:"),
        std::string("http://h:1x"), std::string("http://[::1"),
        std::string("http://[::1]80"), std::string("http://::1"),
        std::string("http://u@h:80"), std::string("https://h")}) {
    const Outcome refused = RunCli({"health", "--url", odd});
    EXPECT_EQ(refused.code, 2) << odd << refused.err;
    EXPECT_EQ(refused.err.rfind("error: --url is \"" + odd + "\": ", 0), 0u)
        << refused.err;
  }
  // A name that is invalid, so that no name server is asked.
  const Outcome unknown =
      RunCli({"health", "--url", "http://nosuch..invalid:5050"});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_NE(unknown.err.find("the host nosuch..invalid is not found"),
            std::string::npos)
      << unknown.err;
  EXPECT_EQ(service->Stop(), 0);
  const Outcome down = RunCli({"health", "--url", url});
  EXPECT_NE(down.err.find(url + ": no server listens there\n"),
            std::string::npos)
      << down.err;
}

// The server accepts no connection, but the kernel completes it anyway.
TEST_F(ServeTest, HealthSaysThatAServerHangs) {
  httplib::Server hangs;
  const int port = hangs.bind_to_any_port("127.0.0.1");
  ASSERT_GT(port, 0);
  const Outcome outcome = RunCli({"health", "--timeout", "50", "--url",
                                  "http://127.0.0.1:" + std::to_string(port)});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find(
                ": the server accepted the connection but did not answer "
                "within 50 ms\n"),
            std::string::npos)
      << outcome.err;
}

TEST_F(ServeTest, AnAddressOfIpv6HasItsBracketsOnce) {
  EXPECT_EQ(UrlOf("localhost", 7), "http://localhost:7");
  const bool has_ipv6 = httplib::Server().bind_to_any_port("::1") > 0;
  for (const char* host : {"::1", "[::1]"}) {
    EXPECT_EQ(UrlOf(host, 7), "http://[::1]:7");
    if (!has_ipv6) continue;
    environment_["API_HOST"] = host;
    environment_["API_PORT"] = "0";
    auto service = Serve();
    environment_["API_PORT"] = std::to_string(port_);
    const Outcome health = RunCli({"health"});
    EXPECT_EQ(health.code, 0) << health.err;
  }
}

TEST_F(ServeTest, HealthUsesTheTokenAndTellsIfItIsWrong) {
  environment_["API_TOKEN"] = "correct-horse-battery";
  auto service = Serve();
  const std::string url = UrlOf("127.0.0.1", port_);
  EXPECT_EQ(RunCli({"health", "--url", url}).code, 0);
  environment_["API_TOKEN"] = "another-horse-battery";
  EXPECT_EQ(RunCli({"health"}).code, 0) << "the socket needs no token";
  const Outcome wrong = RunCli({"health", "--url", url});
  EXPECT_EQ(wrong.code, 1);
  EXPECT_NE(wrong.err.find("hint: set API_TOKEN to the server's token"),
            std::string::npos)
      << wrong.err;
}

TEST_F(ServeTest, HealthIsToldBySomebodyElse) {
  std::string answer;
  httplib::Server other;
  other.Get("/api/health",
            [&](const httplib::Request&, httplib::Response& response) {
              response.set_content(answer, "application/json");
            });
  const std::string url =
      "http://127.0.0.1:" + std::to_string(other.bind_to_any_port("127.0.0.1"));
  std::jthread thread([&] { other.listen_after_bind(); });
  for (const std::string& bad :
       {std::string(), std::string("[]"), std::string("{\"status\":1}"),
        std::string("{\"status\":\"ok\",\"status\":\"ok\"}"),
        "{\"status\":\"ok\",\"x\":" + std::string(100'000, '[') +
            std::string(100'000, ']') + "}"}) {
    answer = bad;
    const Outcome outcome = RunCli({"health", "--url", url});
    EXPECT_EQ(outcome.code, 1) << bad.substr(0, 40);
    EXPECT_NE(outcome.err.find("which is not a health report"),
              std::string::npos)
        << outcome.err;
  }
  other.stop();
}

// A server that answers /api/health with this status and text.
class Told {
 public:
  Told(int status, const std::string& health) {
    server_.Get("/api/health",
                [=](const httplib::Request&, httplib::Response& response) {
                  response.status = status;
                  response.set_content(health, "application/json");
                });
    server_.Get("/livez", [](const httplib::Request&, httplib::Response& to) {
      to.set_content("{}", "application/json");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::jthread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~Told() { server_.stop(); }
  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(port_);
  }

 private:
  httplib::Server server_;
  int port_ = 0;
  std::jthread thread_;
};

TEST_F(ServeTest, HealthSaysWhatIsDegradedAndEndsWith7) {
  const Told told(200,
                  R"({"status":"ok","backup":{"count":1,"totalSizeMB":"0.01",)"
                  R"("latest":null,"degraded":["a disk is full","b\u0007"]}})");
  const Outcome text = RunCli({"health", "--url", told.url()});
  EXPECT_EQ(text.code, 7);
  EXPECT_EQ(text.out,
            "degraded: 1 backups, 0.01 MB\ndegraded: a disk is full\n"
            "degraded: b\\x07\n");
  EXPECT_EQ(text.err,
            "error: " + told.url() +
                " serves, but something is degraded: 2 reasons\n"
                "hint: each line above names its entry in the documentation\n");
  const std::string longest(300, 'y');
  const Told newer(
      200, R"({"status":"ok","backup":{"count":1,"totalSizeMB":"0.01",)"
           R"("degraded":["x"],"reasons":[{"code":"c","text":")" +
               longest +
               R"(\u0007","doc":"docs/operations.md#x"},{},1],)"
               R"("lastDrill":{"ok":true,"at":"2024-12-27T12:00:00.000Z"},)"
               R"("predictedRestoreSeconds":12.4}})");
  EXPECT_EQ(RunCli({"health", "--url", newer.url()}).out,
            "degraded: 1 backups, 0.01 MB\n"
            "last drill 2024-12-27T12:00:00.000Z: ok; a restore takes about "
            "12 s\n"
            "degraded: " +
                longest +
                "\\x07 (docs/operations.md#x)\n"
                "degraded: ? (?)\n");
  const Outcome json = RunCli({"health", "--url", told.url(), "--json"});
  EXPECT_EQ(json.code, 7);
  EXPECT_EQ(json.json().at("success"), false);
  EXPECT_EQ(json.json().at("code"), "degraded");
  EXPECT_EQ(json.json().at("status"), "ok");
  EXPECT_EQ(json.json().at("backup").at("degraded").size(), 2u);
  EXPECT_EQ(RunCli({"health", "--live", "--url", told.url()}).code, 0);
}

// Regression: a degraded or unusable store restarted containers for ever.
TEST_F(ServeTest, LiveAsksOnlyWhetherTheProcessAnswers) {
  {
    const Told told(503, R"({"status":"unavailable"})");
    EXPECT_EQ(RunCli({"health", "--url", told.url()}).code, 1);
    const Outcome live = RunCli({"health", "--live", "--url", told.url()});
    EXPECT_EQ(live.code, 0) << live.err;
    EXPECT_EQ(live.out, "live\n");
  }
  environment_["API_TOKEN"] = "correct-horse-battery";
  auto service = Serve();
  const std::string url = UrlOf("127.0.0.1", port_);
  environment_.erase("API_TOKEN");
  EXPECT_EQ(RunCli({"health", "--url", url}).code, 1);
  for (const std::vector<std::string>& way :
       {std::vector<std::string>{}, {"--url", url}}) {
    std::vector<std::string> words = {"health", "--live", "--json"};
    words.insert(words.end(), way.begin(), way.end());
    EXPECT_EQ(RunCli(words).json().at("live"), true);
  }
  EXPECT_EQ(service->Stop(), 0);
  environment_["API_PORT"] = std::to_string(port_);
  EXPECT_EQ(RunCli({"health", "--live"}).code, 1);
}

// The log of a supervisor may be full; the server serves events anyway.
TEST_F(ServeTest, ServesThoughItsReadyLineCantBeWritten) {
  World world = NewWorld(nullptr, nullptr, nullptr);
  std::ostream closed(nullptr);
  std::ostringstream err;
  std::stop_source stop;
  stop.request_stop();
  world.out = &closed;
  world.err = &err;
  world.stop = stop.get_token();
  world.clock = Clock::System();
  EXPECT_EQ(cli::Run({"serve"}, world), 0) << err.str();
}

TEST_F(ServeTest, HealthRefusesOddArguments) {
  EXPECT_EQ(RunCli({"health", "--url", "ftp://x"}).code, 2);
  EXPECT_EQ(RunCli({"health", "--url", ""}).code, 2);
  EXPECT_EQ(RunCli({"health", "--timeout", "0"}).code, 2);
}

TEST_F(ServeTest, TheWorkerVerifiesWhatIsThereAndWhatComes) {
  AppendEvents(3);
  const std::string first = CreateBackup();
  environment_["BACKUP_WORKER_POLL_MS"] = "100";
  // The worker does not need STORAGE_DIR.
  const std::string storage = environment_["STORAGE_DIR"];
  environment_["STORAGE_DIR"] = dir_.Sub("not-mounted");
  auto worker = Start({"worker"});
  environment_["STORAGE_DIR"] = storage;
  const auto verified = [this](const std::string& name) {
    const auto list = RunCli({"list", "--json"}).json();
    for (const auto& backup : list.at("backups")) {
      if (backup.at("name") == name) return backup.at("verified") == true;
    }
    return false;
  };
  while (!verified(first)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const std::string second = CreateBackup();
  while (!verified(second)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(worker->Stop(), 0);
  EXPECT_NE(test::Shell("test -e '" + dir_.Sub("not-mounted") + "'"), 0);
}

// A volume may be mounted later, and the first backup makes the folder.
TEST_F(ServeTest, TheWorkerWaitsForItsFolder) {
  environment_["BACKUP_WORKER_POLL_MS"] = "100";
  auto worker = Start({"worker"});
  AppendEvents(3);
  environment_["BACKUP_DIR"] = dir_.Sub("elsewhere");
  CreateBackup();
  environment_["BACKUP_DIR"] = dir_.Sub("backups");
  std::filesystem::rename(dir_.Sub("elsewhere"), dir_.Sub("backups"));
  const auto verified = [&] {
    const auto list = RunCli({"list", "--json"}).json();
    return list.at("backups").at(0).at("verified") == true;
  };
  while (!verified()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(worker->Stop(), 0);
}

}  // namespace
}  // namespace levelkeep::cli
