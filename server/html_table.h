// A table of the page: caption, columns, rows of cells in their order.
// On a phone each row of a wide one becomes a block of lines, so every cell has its column's name,
// and the roles that a table loses there. Rows have keys, by which page.js finds them again. Writes
// into the HtmlText that it borrows; one thread at a time.
#pragma once

#include <string_view>
#include <vector>

#include "server/html_text.h"

namespace server {

struct HtmlColumn {
    std::string_view title;
    bool number = false;
};

class HtmlTable {
  public:
    /// How wide tables are shown on a phone.
    enum class Phone { Lines, Services };

    /// The first column names the row. `caption` may have markup of its own.
    HtmlTable(HtmlText& out, const HtmlText& caption, std::vector<HtmlColumn> columns,
              Phone phone = Phone::Lines);
    HtmlTable(const HtmlTable&) = delete;
    HtmlTable& operator=(const HtmlTable&) = delete;

    /// `key`: unique in the table.
    void row(std::string_view key);
    /// The next cell of the row, to be written into.
    HtmlText& cell();
    void cell(std::string_view value) { cell().text(value); }
    void end();

  private:
    void end_cell();

    HtmlText& out_;
    const std::vector<HtmlColumn> columns_;
    std::size_t next_ = 0;  // column
    bool in_row_ = false;
};

/// A state in a word, and a shape before it: never a colour alone.
enum class StateMark { Ok, Warning, Bad, None };
void write_state(HtmlText& out, StateMark mark, std::string_view word);

}  // namespace server
