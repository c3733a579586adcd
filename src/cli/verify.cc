// levelkeep verify

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "api/report_json.h"
#include "base/report_names.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "cli/session.h"

namespace levelkeep::cli {

namespace {

using api::Json;

constexpr char kVerifyHelp[] =
    "Checks backups; the result is kept and shown by levelkeep list.\n"
    "\n"
    "Usage: levelkeep verify NAME|PATH [--depth DEPTH]\n"
    "       levelkeep verify --all [--depth DEPTH]\n"
    "       levelkeep verify --chain [--depth DEPTH]\n"
    "\n"
    "NAME is a backup's name, the beginning of a name, or latest. Exit code "
    "3\nmeans that a backup is damaged; any other code except 0 means that a "
    "check\ncould not be done, which says nothing about the backup.\n"
    "\n"
    "--chain reads manifests, digests and the ledger of removed backups, and\n"
    "says for each backup whether it is proven, rotated, missing or\n"
    "contradicting, or why nothing proves it. It reads no whole archive; with\n"
    "--depth all backups are verified first. Exit code 3 means that one is\n"
    "missing or contradicting.\n";

constexpr VerbOption kVerifyOptions[] = {
    {"source", "NAME|PATH", nullptr, &VerbArguments::source},
    {"--all", nullptr, "every backup in BACKUP_DIR", &VerbArguments::all},
    {"--chain", nullptr, "what the chain of backups proves",
     &VerbArguments::chain},
    {"--depth", "DEPTH",
     "structure: the table of contents and the manifest\n"
     "checksums: every byte\n"
     "full: also opens the database and reads every key\n"
     "(default, but not of --chain)",
     &VerbArguments::depth},
};

std::string Describe(const VerifyReport& report) {
  std::string text = report.name + ": ok, " + std::to_string(report.files) +
                     " files, " + FormatBytes(report.bytes);
  if (report.depth == VerifyDepth::kFull) {
    text += ", " + std::to_string(report.entries) + " keys, write number " +
            std::to_string(report.last_sequence);
  }
  if (!report.order_checked) {
    text +=
        " (the comparator is unknown here: the order of keys was not checked)";
  }
  if (!report.own) text += " (no manifest: nothing to compare with)";
  return text;
}

Result<VerifyReport> VerifyOne(Session* session, Engine* engine,
                               const std::string& source, VerifyDepth depth) {
  LEVELKEEP_ASSIGN_OR_RETURN(const FoundBackup backup,
                             engine->Locate(source, NameMatch::kBeginning));
  return session->Show("verifying " + source, [&](const Work& work) {
    return engine->Verify(backup, depth, work);
  });
}

// Verifies all backups even if one is bad; only a stop ends it early.
Status VerifyAll(Session* session, Engine* engine, VerifyDepth depth) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto backups, engine->List());
  auto& results = session->result["results"] = nlohmann::ordered_json::array();
  if (backups.empty()) {
    session->console->Say("no backups in " +
                          session->settings().backup.backup_dir);
  }
  std::vector<std::string> damaged;
  Status other_failure;
  for (const BackupInfo& backup : backups) {
    auto report = VerifyOne(session, engine, backup.name, depth);
    if (report.ok()) {
      results.push_back(api::ToJson(*report));
      session->console->Print(Describe(*report) + "\n");
      continue;
    }
    const Status& status = report.status();
    if (status.code() == StatusCode::kCancelled) return status;
    results.push_back({{"name", backup.name},
                       {"code", StatusCodeName(status.code())},
                       {"message", status.message()}});
    const bool bad = status.code() == StatusCode::kCorruption;
    const std::string word = bad ? session->console->Red("failed")
                                 : session->console->Yellow("not checked");
    session->console->Print(backup.name + ": " + word + ", " +
                            status.message() + "\n");
    if (bad) {
      damaged.push_back(backup.name);
    } else if (other_failure.ok()) {
      other_failure = status.WithContext(backup.name);
    }
  }
  if (!damaged.empty()) {
    return Status(StatusCode::kCorruption,
                  std::to_string(damaged.size()) + " of " +
                      std::to_string(backups.size()) +
                      " backups are damaged: " + Join(damaged, ", "),
                  "make a new backup now: levelkeep create");
  }
  return other_failure;
}

// Adds the links of a database to the table and the counts.
Json ChainToJson(const ChainReport& report, Table* table,
                 std::map<ChainStatus, size_t>* counts) {
  Json backups = Json::array();
  for (const ChainLink& link : report.links) {
    ++(*counts)[link.status];
    const std::string word(ChainWord(link.status));
    table->AddRow({{Printable(link.name, 200)}, {word}, {link.detail}});
    backups.push_back(
        {{"name", link.name},
         {"status", word},
         {"epoch", link.epoch.empty() ? Json() : Json(link.epoch)},
         {"detail", link.detail}});
  }
  return {{"database",
           report.database_id.empty() ? Json() : Json(report.database_id)},
          {"ledgerSince", api::TimeToJson(report.since)},
          {"damagedLedgerLines", report.damaged_lines},
          {"backups", std::move(backups)}};
}

Status JudgeCounts(const std::map<ChainStatus, size_t>& counts) {
  const auto count = [&](ChainStatus status) {
    const auto found = counts.find(status);
    return found == counts.end() ? size_t{0} : found->second;
  };
  const size_t missing = count(ChainStatus::kMissing);
  const size_t conflicts = count(ChainStatus::kConflict);
  if (missing + conflicts == 0) return Status::Ok();
  return Status(StatusCode::kCorruption,
                "the chain of backups is broken: " + std::to_string(missing) +
                    " missing, " + std::to_string(conflicts) + " contradicting",
                "somebody or something else than LevelKeep removed or changed "
                "backups: find out who can write the folder, and verify the "
                "other backups (levelkeep verify --all)");
}

Status VerifyChain(Session* session, Engine* engine) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto reports, engine->chain().Verify());
  constexpr ChainStatus kAll[] = {ChainStatus::kProven, ChainStatus::kRemoved,
                                  ChainStatus::kMissing, ChainStatus::kConflict,
                                  ChainStatus::kUnprovable};
  std::map<ChainStatus, size_t> counts;
  Table table({"NAME", "STATUS", "WHY"},
              {Align::kLeft, Align::kLeft, Align::kLeft});
  Json chain = Json::array();
  size_t damaged_lines = 0;
  for (const ChainReport& report : reports) {
    chain.push_back(ChainToJson(report, &table, &counts));
    damaged_lines += report.damaged_lines;
  }
  Json json = Json::object();
  std::vector<std::string> parts;
  for (const ChainStatus status : kAll) {
    const std::string word(ChainWord(status));
    json[word] = counts[status];
    parts.push_back(std::to_string(counts[status]) + " " + word);
  }
  const bool any = std::ranges::any_of(
      reports, [](const ChainReport& report) { return !report.links.empty(); });
  if (any) session->console->Print(table.ToString());
  session->result["chain"] = std::move(chain);
  session->result["counts"] = std::move(json);
  session->console->Say(Join(parts, ", "));
  if (damaged_lines > 0) {
    session->console->Say(std::to_string(damaged_lines) +
                          " damaged lines of the ledger of removed backups "
                          "were skipped; a crash can leave one");
  }
  return JudgeCounts(counts);
}

// With a depth, all backups are verified first: the chain then knows which are
// damaged.
Status RunChain(Session* session, Engine* engine,
                std::optional<VerifyDepth> depth) {
  const Status verified =
      depth ? VerifyAll(session, engine, *depth) : Status::Ok();
  if (verified.code() == StatusCode::kCancelled) return verified;
  const Status chained = VerifyChain(session, engine);
  return chained.ok() ? verified : chained;
}

Status RunVerify(Session* session) {
  const VerbArguments& arguments = session->arguments();
  const std::optional<VerifyDepth> depth =
      arguments.depth.empty() ? VerifyDepth::kFull
                              : ParseVerifyDepth(arguments.depth);
  if (!depth) {
    return Status(StatusCode::kInvalidArgument,
                  "--depth is \"" + Printable(arguments.depth) +
                      "\": allowed are structure, checksums and full");
  }
  const int subjects = (arguments.all ? 1 : 0) + (arguments.chain ? 1 : 0) +
                       (arguments.source.empty() ? 0 : 1);
  if (subjects != 1) {
    return Status(StatusCode::kInvalidArgument,
                  "verify needs either a backup, --all or --chain",
                  "name a backup, or latest: see levelkeep list");
  }
  Engine engine = session->NewEngine();
  if (arguments.chain) {
    return RunChain(session, &engine,
                    arguments.depth.empty() ? std::nullopt : depth);
  }
  if (arguments.all) return VerifyAll(session, &engine, *depth);
  LEVELKEEP_ASSIGN_OR_RETURN(
      const VerifyReport report,
      VerifyOne(session, &engine, arguments.source, *depth));
  session->result = api::ToJson(report);
  session->console->Print(Describe(report) + "\n");
  return Status::Ok();
}

}  // namespace

const Verb kVerifyVerb = {"verify", "check that backups can be restored",
                          kVerifyHelp, RunVerify, kVerifyOptions};

}  // namespace levelkeep::cli
