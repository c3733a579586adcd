#include "levelkeep/backup_manager.h"

#include <utility>

#include "base/log.h"
#include "base/status_macros.h"
#include "base/work.h"
#include "manager/backup_manager_access.h"
#include "manager/backup_manager_impl.h"
#include "manager/hooked_create.h"

namespace levelkeep {

namespace {

// Paths must stay valid if the application changes its working directory. A
// link before ".." is kept as it is.
BackupOptions WithAbsolutePaths(BackupOptions options) {
  std::string here = AbsolutePath(".");
  while (here.size() > 1 && here.ends_with('/')) here.pop_back();
  if (!here.starts_with('/')) return options;  // gone: reported by the start
  for (std::string* path :
       {&options.storage_dir, &options.backup_dir, &options.restore_dir,
        &options.verification.check_program, &options.notify.mail.ca_file}) {
    if (path->empty() || path->front() == '/') continue;
    while (path->starts_with("./")) path->erase(0, 2);
    *path = path->empty() || *path == "." ? here : JoinPath(here, *path);
  }
  return options;
}

class OpenedReader : public BackupReader {
 public:
  OpenedReader(BackupInfo backup, Catalog::OpenedBackup opened, InUseMark mark)
      : backup_(std::move(backup)),
        opened_(std::move(opened)),
        mark_(std::move(mark)),
        version_(backup_.sha256.empty() ? opened_.object.version
                                        : backup_.sha256) {}

  const BackupInfo& backup() const override { return backup_; }
  uint64_t size_bytes() const override { return opened_.object.size_bytes; }
  const std::string& version() const override { return version_; }
  Result<size_t> ReadAt(uint64_t offset, char* buffer,
                        size_t size) const override {
    return opened_.bytes->ReadAt(offset, buffer, size);
  }

 private:
  const BackupInfo backup_;
  const Catalog::OpenedBackup opened_;
  const InUseMark mark_;
  const std::string version_;
};

}  // namespace

BackupManager::Impl::Impl(const BackupOptions& options,
                          const Platform& platform)
    : Database(options, platform),
      options_(options),
      fs_(platform.fs),
      clock_(platform.clock),
      engine_(options_, platform, this),
      watches_jobs_(platform.watches_jobs),
      notifier_(options_.notify, platform.fs, platform.clock, options_.db_name),
      backup_hooks_(options_.notify.hooks, platform.fs, platform.clock,
                    SecretVariables()),
      jobs_(platform.clock, Handlers(), [this](const JobRequest&) {
        MutexLock lock(&mutex_);
        return job_store_;
      }) {
  if (notifier_.HasReceivers()) {
    jobs_.AddListener([this](const Job& job) { notifier_.Hear(job); });
  }
}

BackupManager::Impl::~Impl() { Stop(); }

// A post hook may have to end what its pre hook began, so it gets time.
void BackupManager::Impl::Stop() {
  constexpr std::chrono::seconds kHookGrace{10};
  WatchJobs(nullptr);
  jobs_.Close();
  backup_hooks_.Close(kHookGrace);
  notifier_.Close();
}

// Before this, what the listener hears waits in memory.
void BackupManager::Impl::OpenNotifications() {
  notifier_.Open(NotifyFolder(options_));
  backup_hooks_.Open(HookFolder(options_));
}

Status BackupManager::Impl::RequireInitialized() const {
  if (initialized_) return Status::Ok();
  return Status(StatusCode::kInvalidArgument,
                "the backup manager is not initialized",
                "call BackupManager::Initialize first");
}

// Empty hooks stay empty, because they show what the host can't do.
void BackupManager::Impl::SetRestoreHooks(RestoreHooks hooks) {
  const auto guarded = [](const char* what, std::function<Status()> hook) {
    return [what, hook = std::move(hook)] { return CallHost(what, hook); };
  };
  hooks_ = RestoreHooks();
  if (hooks.close) {
    hooks_.close =
        guarded("the hook that closes the database", std::move(hooks.close));
  }
  if (hooks.reopen) {
    hooks_.reopen = guarded("the hook that opens the database again",
                            std::move(hooks.reopen));
  }
}

bool BackupManager::Impl::BeginCounting(bool alone) {
  MutexLock lock(&mutex_);
  if (!event_counter_ || db_ == nullptr) return false;
  if (alone && counting_ > 0) return false;
  ++counting_;
  return true;
}

Status BackupManager::Impl::CallCounter(std::optional<EventCount>* events) {
  Status counted = CallHost("the event counter", [&] {
    *events = event_counter_();
    return Status::Ok();
  });
  MutexLock lock(&mutex_);
  --counting_;
  counted_.notify_all();
  return counted;
}

std::optional<EventCount> BackupManager::Impl::CountEvents() {
  std::optional<EventCount> events;
  if (!BeginCounting(/*alone=*/false)) return events;
  const Status counted = CallCounter(&events);
  if (!counted.ok()) {
    LogWarn(kEngineLogTag, counted.ToString() + "; continuing without a count");
  }
  return events;
}

std::optional<EventCount> BackupManager::Impl::CountEventsNow() {
  std::optional<EventCount> events;
  if (BeginCounting(/*alone=*/true)) (void)CallCounter(&events);
  return events;
}

BackupManager::BackupManager(BackupOptions options)
    : BackupManager(std::make_shared<Impl>(
          WithAbsolutePaths(std::move(options)), Platform())) {}

BackupManager::BackupManager(std::shared_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

BackupManager BackupManagerAccess::Make(BackupOptions options,
                                        const Platform& platform) {
  return BackupManager(std::make_shared<BackupManager::Impl>(
      WithAbsolutePaths(std::move(options)), platform));
}

std::string BackupManagerAccess::WorkFolder(const BackupManager& manager) {
  return manager.impl_->engine_.restorer()->context().work_dir();
}

Status BackupManagerAccess::WriteLockFile(BackupManager* manager,
                                          const std::string& content) {
  return manager->impl_->engine_.restorer()->WriteLockFile(content);
}

void BackupManagerAccess::Reload(BackupManager* manager,
                                 BackupOptions options) {
  manager->impl_->Reload(WithAbsolutePaths(std::move(options)));
}

bool BackupManagerAccess::JobsTurn(BackupManager* manager,
                                   std::chrono::milliseconds patience,
                                   const std::stop_token& stop) {
  (void)manager->impl_->IsAttached();  // hangs if the manager's mutex does
  return manager->impl_->jobs_.Turns(patience, stop);
}

BackupManager::~BackupManager() { impl_->Stop(); }

const BackupOptions& BackupManager::options() const {
  return impl_->engine_.options();
}

Result<StartReport> BackupManager::Initialize(std::stop_token stop) {
  return impl_->Initialize(std::move(stop));
}

Result<std::vector<std::string>> BackupManager::CheckStart() {
  return impl_->CheckStart();
}

leveldb::Env* BackupManager::env() { return impl_->env(); }

Result<std::unique_ptr<Attachment>> BackupManager::Attach(leveldb::DB* db) {
  LEVELKEEP_RETURN_IF_ERROR(impl_->Attach(db));
  return std::unique_ptr<Attachment>(new Attachment(impl_));
}

Attachment::Attachment(std::shared_ptr<BackupManager::Impl> impl)
    : impl_(std::move(impl)) {}

Attachment::~Attachment() { impl_->Detach(); }

void BackupManager::SetRestoreHooks(RestoreHooks hooks) {
  impl_->SetRestoreHooks(std::move(hooks));
}

void BackupManager::SetEventCounter(std::function<EventCount()> counter) {
  impl_->event_counter_ = std::move(counter);
}

Result<BackupInfo> BackupManager::CreateBackup(const CreateRequest& request) {
  return impl_->CreateBackup(request);
}

Result<std::vector<BackupInfo>> BackupManager::ListBackups() {
  return impl_->engine_.List();
}

Result<uint64_t> BackupManager::VisitBackups(
    const std::function<bool(const BackupInfo&)>& visit,
    const std::string& after) {
  Status called;
  const auto guarded = [&](const BackupInfo& info) {
    bool more = false;
    called = CallHost("the visitor of backups", [&] {
      more = visit(info);
      return Status::Ok();
    });
    return called.ok() && more;
  };
  LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t count,
                             impl_->engine_.Visit(guarded, after));
  LEVELKEEP_RETURN_IF_ERROR(called);
  return count;
}

Result<BackupInfo> BackupManager::FindBackup(const std::string& name) {
  LEVELKEEP_ASSIGN_OR_RETURN(const CatalogEntry entry,
                             impl_->engine_.Find(name));
  return ToBackupInfo(entry, impl_->engine_.IsOther(entry));
}

Result<std::unique_ptr<BackupReader>> BackupManager::OpenBackup(
    const std::string& name) {
  LEVELKEEP_ASSIGN_OR_RETURN(const FoundBackup entry,
                             impl_->engine_.Find(name));
  InUseMark mark = impl_->engine_.MarkInUse(entry);
  LEVELKEEP_ASSIGN_OR_RETURN(auto opened,
                             impl_->engine_.OpenBytes(entry, Work()));
  return std::unique_ptr<BackupReader>(std::make_unique<OpenedReader>(
      ToBackupInfo(entry, impl_->engine_.IsOther(entry)), std::move(opened),
      std::move(mark)));
}

Result<VerifyReport> BackupManager::VerifyBackup(const std::string& name,
                                                 VerifyDepth depth,
                                                 std::stop_token stop) {
  return impl_->VerifyBackup(name, depth, std::move(stop));
}

Result<DrillReport> BackupManager::Drill(const std::string& name,
                                         std::stop_token stop,
                                         const Progress& progress) {
  return impl_->DrillBackup(name, std::move(stop), progress);
}

Result<RestorePreview> BackupManager::PreviewRestore(
    const RestoreRequest& request) {
  return impl_->PreviewRestore(request);
}

Result<RestoreReport> BackupManager::RestoreBackup(
    const RestoreRequest& request) {
  return impl_->RestoreBackup(request);
}

Result<KeptDatabase> BackupManager::PreviewUndo(bool all) {
  return impl_->PreviewUndo(all ? UndoScope::kAll : UndoScope::kLast);
}

Result<RestoreReport> BackupManager::UndoRestore(bool all) {
  return impl_->UndoRestore(all ? UndoScope::kAll : UndoScope::kLast);
}

Result<std::vector<RotationDecision>> BackupManager::Rotate(bool dry_run) {
  return impl_->Rotate(dry_run);
}

Result<RotationPlan> BackupManager::PlanRotation() {
  return impl_->PlanRotation();
}

Status BackupManager::DeleteBackup(const std::string& name, bool force,
                                   bool other_database) {
  return impl_->DeleteBackup(name, force, other_database);
}

Status BackupManager::PinBackup(const std::string& name, bool pinned) {
  return impl_->engine_.Pin(name, pinned);
}

Result<std::string> BackupManager::SubmitJob(const JobRequest& request,
                                             const std::string& key) {
  return impl_->SubmitJob(request, key);
}

Result<Job> BackupManager::FindJob(const std::string& id) {
  return impl_->jobs_.Find(id);
}

Result<std::vector<Job>> BackupManager::ListJobs(const JobFilter& filter) {
  return impl_->jobs_.List(filter);
}

Result<std::vector<JobTotal>> BackupManager::JobTotals() {
  return impl_->jobs_.Totals();
}

Result<Job> BackupManager::WaitForJob(const std::string& id,
                                      std::stop_token stop) {
  return impl_->jobs_.Wait(id, stop);
}

Status BackupManager::CancelJob(const std::string& id) {
  return impl_->jobs_.Cancel(id);
}

void BackupManager::AddJobListener(JobListener listener) {
  impl_->jobs_.AddListener(std::move(listener));
}

void BackupManager::StopJobs() { impl_->jobs_.StopAll(); }

HealthReport BackupManager::Health() { return impl_->Health(); }

}  // namespace levelkeep
