#include "server/top_command.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <poll.h>
#include <string_view>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "server/top_screen.h"

namespace server {
namespace {

using namespace std::chrono_literals;

constexpr auto kRefresh = 2s;
constexpr int kNoServer = 2;

// Static, since a signal's handler is given nothing.
volatile std::sig_atomic_t ended = 0;
void end(int /*signal*/) {
    ended = 1;
}

void write_all(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written < 0 && errno != EINTR) {
            ended = 1;  // nobody looks any more
            return;
        }
        text.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
    }
}

/// Keys come at once and unseen; a screen of its own, without cursor. What was is put back.
class Screen {
  public:
    Screen() {
        has_keys_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
        if (has_keys_) {
            termios raw = before_;
            raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
            (void)::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
        }
        struct sigaction action {};
        action.sa_handler = end;  // without SA_RESTART: poll() is to return
        for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
            (void)::sigaction(signal, &action, nullptr);
        }
        write_all("\x1b[?1049h\x1b[?25l");
    }
    ~Screen() {
        write_all("\x1b[?25h\x1b[?1049l");
        if (has_keys_) {
            (void)::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
        }
    }
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    static winsize size() {
        winsize size{};
        if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
            size.ws_col = 80;
            size.ws_row = 24;
        }
        return size;
    }

    static void show(const std::vector<std::string>& lines) {
        std::string text = "\x1b[H";
        for (std::size_t i = 0; i < lines.size(); ++i) {
            text += (i == 0 ? "" : "\r\n") + lines[i] + "\x1b[K";
        }
        write_all(text + "\x1b[J");
    }

    /// Waits for the next refresh; false if the user wants to leave.
    bool wait() {
        const auto until = std::chrono::steady_clock::now() + kRefresh;
        while (ended == 0) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(
                until - std::chrono::steady_clock::now());
            if (left.count() <= 0) {
                return true;
            }
            pollfd keys{has_keys_ ? STDIN_FILENO : -1, POLLIN, 0};
            if (::poll(&keys, 1, static_cast<int>(left.count())) == 1 && !read_key()) {
                return false;
            }
        }
        return false;
    }

  private:
    bool read_key() {
        char key = 0;
        const ssize_t size = ::read(STDIN_FILENO, &key, 1);
        has_keys_ = size == 1;
        return size == 1 && key != 'q' && key != 'Q' && key != '\x03';
    }

    bool has_keys_ = false;
    termios before_{};
};

int complain(const std::string& why) {
    std::fprintf(stderr, "keryx: %s\n", ascii_of(why).c_str());
    return kNoServer;
}

int live(const TopLine& line, const std::string& target, TopScreen picture) {
    Screen screen;
    std::string trouble;
    do {
        const winsize size = Screen::size();
        auto lines = show_top(picture, line.server, size.ws_col, size.ws_row);
        std::string& head = lines.front();
        head += "   " + (trouble.empty() ? "q ends" : ascii_of(trouble));
        head.resize(std::min<std::size_t>(head.size(), size.ws_col));
        Screen::show(lines);
        if (!screen.wait()) {
            return 0;
        }
        const auto said = ask_status(line.server, target);
        const auto next = said.and_then([](const std::string& json) { return read_top(json); });
        trouble = next ? "" : next.error();
        picture = next.value_or(picture);
    } while (ended == 0);
    return 0;
}

}  // namespace

int run_top(const TopLine& line) {
    const std::string target = "/api/top?n=" + std::to_string(line.most);
    const auto said = ask_status(line.server, target);
    if (!said) {
        return complain(said.error());
    }
    if (line.json) {
        write_all(*said + "\n");
        return 0;
    }
    const auto picture = read_top(*said);
    if (!picture) {
        return complain(line.server + ": " + picture.error());
    }
    if (!line.once && ::isatty(STDOUT_FILENO) == 1) {
        return live(line, target, *picture);
    }
    const winsize size = Screen::size();
    const bool terminal = ::isatty(STDOUT_FILENO) == 1;
    for (const std::string& text :
         show_top(*picture, line.server, terminal ? size.ws_col : 1000, 0)) {
        write_all(text + "\n");
    }
    return 0;
}

}  // namespace server
