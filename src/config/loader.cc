#include "config/loader.h"

#include "base/text.h"

namespace levelkeep {
namespace {

constexpr char kNotReadable[] = "(not readable)";
constexpr uint64_t kSecretLimit = 64 << 10;
constexpr size_t kTypo = 2;        // edits
constexpr size_t kSuggestion = 3;  // edits, if the variable is an error anyway

std::string NotSupported(const SettingsLoader::Entry& entry,
                         const std::string& what) {
  return entry.variable + " is " + what + " (" + entry.origin +
         "): not supported by this version; remove it";
}

}  // namespace

Status ConfigurationError(const std::vector<std::string>& problems) {
  return Status(
      StatusCode::kInvalidArgument, Join(problems, "\n"),
      "correct these settings; `levelkeep config` shows where each comes from");
}

void SettingsLoader::AddLayer(const std::vector<Entry>& entries,
                              Unknown unknown) {
  for (const Entry& entry : entries) {
    if (FindSettingRow(entry.variable) == nullptr) AddUnknown(entry, unknown);
  }
  for (const SettingRow& row : SettingRows()) {
    if (scope_ == Scope::kProgram || row.embedded) AddRow(row, entries);
  }
}

std::string SettingsLoader::OriginOf(std::string_view name) const {
  const auto chosen = chosen_.find(FindSettingRow(name));
  return chosen == chosen_.end() ? "" : chosen->second.origin;
}

// A layer may have several names of one setting; their values must agree.
void SettingsLoader::AddRow(const SettingRow& row,
                            const std::vector<Entry>& entries) {
  const Entry* direct = nullptr;
  const Entry* file = nullptr;
  for (const Entry& entry : entries) {
    if (row.info.secret && entry.variable == row.info.name + "_FILE") {
      file = &entry;
    } else if (row.Has(entry.variable)) {
      if (direct != nullptr && direct->value != entry.value) {
        AddProblem(direct->origin + " and " + entry.origin +
                   " set different values for " + row.info.name +
                   ": allowed is one of the two, or the same value");
      }
      // The table's own name has priority over its aliases.
      if (direct == nullptr || entry.variable == row.info.name) {
        direct = &entry;
      }
    }
  }
  if (direct != nullptr && file != nullptr) {
    AddProblem(direct->origin + " and " + file->origin +
               " are both set: allowed is one of the two");
  }
  if (chosen_.contains(&row)) return;
  if (direct != nullptr) {
    chosen_[&row] = {direct->value, direct->origin};
  } else if (file != nullptr) {
    const auto secret = ReadSecret(row, *file);
    if (secret.has_value()) chosen_[&row] = *secret;
  }
}

std::optional<SettingsLoader::Chosen> SettingsLoader::ReadSecret(
    const SettingRow& row, const Entry& entry) {
  if (entry.value.empty()) {
    AddProblem(entry.variable + " is empty (" + entry.origin +
               "): allowed is the path of a file");
    return std::nullopt;
  }
  auto text =
      ReadFile(fs_, entry.value, kSecretLimit, OpenMode::kReadFollowing);
  if (!text.ok()) {
    std::string problem = entry.variable + " is \"" + Printable(entry.value) +
                          "\" (" + entry.origin +
                          "): " + text.status().message();
    // An application has no other place for the problem.
    if (text.status().code() != StatusCode::kPermissionDenied ||
        scope_ == Scope::kEmbedded) {
      AddProblem(std::move(problem));
      return std::nullopt;
    }
    unread_[&row] = std::move(problem);
    return Chosen{"", entry.origin};
  }
  // Editors and `echo` add a newline that is not part of the secret.
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) {
    text->pop_back();
  }
  return Chosen{*std::move(text), entry.origin};
}

void SettingsLoader::AddUnknown(const Entry& entry, Unknown unknown) {
  const LaterFeature* feature = FindLaterFeature(entry.variable);
  if (feature != nullptr) {
    AddLaterFeature(*feature, entry);
    return;
  }
  const bool ours = LooksLikeOurs(entry.variable);
  if (unknown != Unknown::kProblem && !ours) return;
  const std::string nearest = NearestVariable(
      entry.variable, unknown == Unknown::kTyposOnly ? kTypo : kSuggestion);
  if (unknown == Unknown::kTyposOnly && nearest.empty()) return;
  if (scope_ == Scope::kEmbedded && !nearest.empty()) {
    const SettingRow* row = FindSettingRow(nearest);
    if (row != nullptr && !row->embedded) return;
  }
  std::string line =
      Printable(entry.variable) + " (" + entry.origin + ") is not known";
  if (!nearest.empty()) line += ": did you mean " + nearest + "?";
  AddProblem(std::move(line));
}

void SettingsLoader::AddLaterFeature(const LaterFeature& feature,
                                     const Entry& entry) {
  if (!features_.insert(&feature).second || entry.value.empty()) return;
  switch (feature.rule) {
    case LaterFeature::kRefuseTrue:
    case LaterFeature::kRefuseFalse:
      if (ParseBool(entry.value) !=
          (feature.rule == LaterFeature::kRefuseFalse)) {
        AddProblem(NotSupported(entry, "\"" + Printable(entry.value) + "\""));
      }
      break;
    case LaterFeature::kRefuseValue:
      AddProblem(NotSupported(entry, "set"));
      break;
    case LaterFeature::kNote:
      notes_.push_back(entry.variable + " (" + entry.origin +
                       ") is ignored: not supported by this version");
      break;
  }
}

Result<LoadedSettings> SettingsLoader::Finish() {
  LoadedSettings loaded;
  if (scope_ == Scope::kEmbedded) loaded.settings.backup = BackupOptions();
  const auto unread = [this](const SettingRow& row) {
    return unread_.contains(&row);
  };
  for (const SettingRow& row : SettingRows()) {
    const auto chosen = chosen_.find(&row);
    if (chosen == chosen_.end() || unread(row)) continue;
    const auto& [value, origin] = chosen->second;
    if (!ParseSetting(value, row.limits, row.field(&loaded.settings))) {
      AddProblem(DescribeBadValue(row, value, origin));
    }
  }
  Settings shown = AsTheyAct(loaded.settings);
  for (const SettingRow& row : SettingRows()) {
    const auto chosen = chosen_.find(&row);
    std::string value = FormatSetting(row.field(&shown), row.limits);
    if (row.info.secret && !value.empty()) value = kMask;
    if (unread(row)) value = kNotReadable;
    loaded.origins.push_back(
        {row.info.name, value,
         chosen == chosen_.end() ? "default" : chosen->second.origin,
         row.info.help});
  }
  for (const auto& [row, problem] : unread_) {
    (row->embedded ? loaded.settings.notify_secret_problem
                   : loaded.settings.api_token_problem) = problem;
  }
  for (std::string& line : FindConflicts(loaded.settings.backup)) {
    AddProblem(std::move(line));
  }
  if (!problems_.empty()) return ConfigurationError(problems_);
  loaded.notes = std::move(notes_);
  return loaded;
}

}  // namespace levelkeep
