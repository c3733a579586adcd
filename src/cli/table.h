// Columns for people.

#ifndef LEVELKEEP_CLI_TABLE_H_
#define LEVELKEEP_CLI_TABLE_H_

#include <string>
#include <vector>

#include "base/clock.h"

namespace levelkeep::cli {

enum class Align { kLeft, kRight };

struct Cell {
  std::string text;
  // What is written instead (the text with colours); same width on screen.
  std::string painted;
};

// Pads to the widest cell of each column; no blanks at line ends.
class Table {
 public:
  Table(std::vector<std::string> headings, std::vector<Align> alignment);
  // REQUIRES: as many cells as headings.
  void AddRow(std::vector<Cell> cells);
  std::string ToString() const;

 private:
  const std::vector<Align> alignment_;
  std::vector<std::vector<Cell>> rows_;
};

// Columns that UTF-8 text takes, one for each code point.
size_t DisplayWidth(const std::string& text);
// "3 h", "2 days": how long before `now`; "in the future" otherwise.
std::string FormatAge(Time time, Time now);
// "2024-12-27 12:00:00" (UTC).
std::string FormatTimeForPeople(Time time);

}  // namespace levelkeep::cli

#endif  // LEVELKEEP_CLI_TABLE_H_
