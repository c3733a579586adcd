#include "cli/table.h"

#include <algorithm>
#include <utility>

namespace levelkeep::cli {

Table::Table(std::vector<std::string> headings, std::vector<Align> alignment)
    : alignment_(std::move(alignment)) {
  std::vector<Cell> row;
  row.reserve(headings.size());
  for (std::string& heading : headings) row.push_back({std::move(heading), ""});
  rows_.push_back(std::move(row));
}

void Table::AddRow(std::vector<Cell> cells) {
  rows_.push_back(std::move(cells));
}

std::string Table::ToString() const {
  std::vector<size_t> widths(alignment_.size(), 0);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(row[i].text));
    }
  }
  std::string result;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const Cell& cell = row[i];
      const std::string blanks(widths[i] - DisplayWidth(cell.text), ' ');
      const std::string& shown =
          cell.painted.empty() ? cell.text : cell.painted;
      if (i > 0) line += "  ";
      line += alignment_[i] == Align::kRight ? blanks + shown : shown + blanks;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    result += line + "\n";
  }
  return result;
}

size_t DisplayWidth(const std::string& text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(),
      [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string FormatAge(Time time, Time now) {
  using std::chrono::duration_cast;
  if (time > now) return "in the future";
  const auto seconds = duration_cast<std::chrono::seconds>(now - time).count();
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 120 * 60) return std::to_string(seconds / 60) + " min";
  if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / 86400) + " days";
}

std::string FormatTimeForPeople(Time time) {
  std::string text = FormatTime(time).substr(0, 19);  // without ".000Z"
  text[10] = ' ';
  return text;
}

}  // namespace levelkeep::cli
