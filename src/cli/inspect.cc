// levelkeep inspect

#include "base/json.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "cli/session.h"

namespace levelkeep::cli {

namespace {

constexpr char kInspectHelp[] =
    "Shows the manifest and the files of a backup.\n"
    "\n"
    "Usage: levelkeep inspect NAME|PATH\n"
    "\n"
    "NAME is a backup's name, the beginning of a name, or latest. An "
    "archive\nof another program is read completely to list its files.\n";

constexpr VerbOption kInspectOptions[] = {
    {"source", "NAME|PATH", nullptr, &VerbArguments::source},
};

std::string ManifestText(const Manifest& manifest) {
  std::string text;
  const auto add = [&text](const char* name, const std::string& value) {
    if (value.empty()) return;
    text += std::string(name) + ":";
    text.append(14 - std::string(name).size(), ' ');
    text += Printable(value, 200) + "\n";
  };
  add("created", FormatTime(manifest.created));
  add("label", manifest.label);
  add("trigger", manifest.trigger);
  add("made by", "levelkeep " + manifest.levelkeep_version + " on " +
                     manifest.hostname + " (" + manifest.snapshot_method + ")");
  add("database", manifest.db_name);
  add("comparator", manifest.comparator);
  add("write number", std::to_string(manifest.last_sequence));
  if (manifest.events) {
    add("events", std::to_string(manifest.events->count) + " (" +
                      std::to_string(manifest.events->first) + " to " +
                      std::to_string(manifest.events->last) + ", " +
                      manifest.events->first_time + " to " +
                      manifest.events->last_time + ")");
  }
  add("content", FormatBytes(manifest.source_bytes));
  add("epoch", manifest.db_epoch);
  add("id", manifest.id);
  add("previous", manifest.previous_name);
  return text;
}

nlohmann::ordered_json FilesToJson(const std::vector<ManifestFile>& files) {
  auto json = nlohmann::ordered_json::array();
  for (const ManifestFile& file : files) {
    json.push_back({{"name", file.name},
                    {"size", file.size_bytes},
                    {"sha256", file.sha256.Hex()}});
  }
  return json;
}

std::string FilesText(const std::vector<ManifestFile>& files) {
  Table table({"FILE", "BYTES", "SHA256"},
              {Align::kLeft, Align::kRight, Align::kLeft});
  for (const ManifestFile& file : files) {
    table.AddRow({{Printable(file.name, 200)},
                  {std::to_string(file.size_bytes)},
                  {file.sha256.Hex()}});
  }
  return table.ToString();
}

Status RunInspect(Session* session) {
  LEVELKEEP_RETURN_IF_ERROR(session->RequireSource());
  Engine engine = session->NewEngine();
  LEVELKEEP_ASSIGN_OR_RETURN(
      const FoundBackup backup,
      engine.Locate(session->arguments().source, NameMatch::kBeginning));
  LEVELKEEP_ASSIGN_OR_RETURN(
      const auto report,
      engine.Inspect(backup, {session->world.stop, nullptr}));
  session->result["path"] = report.path;
  session->result["size"] = report.size_bytes;
  session->result["own"] = report.own;
  const std::string problem = ToBackupInfo(backup).problem;
  if (!problem.empty()) session->result["problem"] = problem;
  if (report.manifest) {
    LEVELKEEP_ASSIGN_OR_RETURN(
        session->result["manifest"],
        ParseJsonInOrder(EncodeManifest(*report.manifest), "the manifest"));
  }
  session->result["files"] = FilesToJson(report.files);

  std::string text = "archive:     " + report.path + " (" +
                     FormatBytes(report.size_bytes) + ")\n";
  if (report.manifest) {
    text += ManifestText(*report.manifest);
  } else {
    text += "manifest:    none (not made by LevelKeep)\n";
  }
  if (!problem.empty()) {
    text += "problem:     " + Printable(problem, 500) + "\n";
  }
  session->console->Print(text + "\n" + FilesText(report.files));
  return Status::Ok();
}

}  // namespace

const Verb kInspectVerb = {"inspect", "show a backup's manifest and files",
                           kInspectHelp, RunInspect, kInspectOptions};

}  // namespace levelkeep::cli
