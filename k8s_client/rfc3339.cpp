#include "k8s_client/rfc3339.h"

namespace k8s_client {
namespace {

/// Takes text off its front; once something is missing, it stays wrong.
class Cursor {
  public:
    explicit Cursor(std::string_view text) : text_(text) {}

    bool is_digit() const { return !text_.empty() && text_.front() >= '0' && text_.front() <= '9'; }

    int digits(int count) {
        int number = 0;
        for (; count > 0; --count) {
            if (!is_digit()) {
                wrong_ = true;
                return 0;
            }
            number = number * 10 + (text_.front() - '0');
            text_.remove_prefix(1);
        }
        return number;
    }

    bool accept(char c) {
        if (text_.empty() || text_.front() != c) {
            return false;
        }
        text_.remove_prefix(1);
        return true;
    }

    void expect(char c) { wrong_ |= !accept(c); }
    void refuse_unless(bool right) { wrong_ |= !right; }
    bool well_ended() const { return !wrong_ && text_.empty(); }

  private:
    std::string_view text_;
    bool wrong_ = false;
};

std::chrono::year_month_day date_of(Cursor& cursor) {
    const int year = cursor.digits(4);
    cursor.expect('-');
    const int month = cursor.digits(2);
    cursor.expect('-');
    const int day = cursor.digits(2);
    const std::chrono::year_month_day date{std::chrono::year(year),
                                           std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    cursor.refuse_unless(date.ok() && year >= 1970 && year <= 2261);
    return date;
}

std::chrono::seconds time_of(Cursor& cursor) {
    const int hour = cursor.digits(2);
    cursor.expect(':');
    const int minute = cursor.digits(2);
    cursor.expect(':');
    const int second = cursor.digits(2);
    cursor.refuse_unless(hour < 24 && minute < 60 && second <= 60);
    return std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
}

std::chrono::nanoseconds fraction_of(Cursor& cursor) {
    if (!cursor.accept('.')) {
        return {};
    }
    cursor.refuse_unless(cursor.is_digit());
    int fraction = 0;
    int unit = 100'000'000;
    for (; cursor.is_digit(); unit /= 10) {
        fraction += unit * cursor.digits(1);
    }
    return std::chrono::nanoseconds(fraction);
}

/// East of Greenwich.
std::chrono::minutes offset_of(Cursor& cursor) {
    if (cursor.accept('Z')) {
        return {};
    }
    const bool west = cursor.accept('-');
    if (!west) {
        cursor.expect('+');
    }
    const int hours = cursor.digits(2);
    cursor.expect(':');
    const int minutes = cursor.digits(2);
    cursor.refuse_unless(hours < 24 && minutes < 60);
    const std::chrono::minutes offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
    return west ? -offset : offset;
}

}  // namespace

std::optional<UnixNanoseconds> parse_rfc3339(std::string_view text) {
    Cursor cursor(text);
    const auto date = date_of(cursor);
    cursor.expect('T');
    const auto time = time_of(cursor);
    const auto fraction = fraction_of(cursor);
    const auto offset = offset_of(cursor);
    if (!cursor.well_ended()) {
        return std::nullopt;
    }
    return std::chrono::sys_days(date) + time + fraction - offset;
}

}  // namespace k8s_client
