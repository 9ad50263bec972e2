// A Journal in front of another: texts of a file may be part of a message, which stays one line.
// Knows nothing of what is written. The other is borrowed; called by whoever may call that.
#pragma once

#include <algorithm>
#include <string>

#include "k8s_client/source.h"

namespace k8s_client {

class OneLineJournal : public Journal {
  public:
    explicit OneLineJournal(Journal& to) : to_(to) {}

    void write(Level level, const std::string& text) override { to_.write(level, one_line(text)); }

    static std::string one_line(std::string text) {
        constexpr std::size_t kMaxLine = 2000;
        const auto is_control = [](char c) {
            return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
        };
        std::replace_if(text.begin(), text.end(), is_control, '?');
        if (text.size() > kMaxLine) {
            text.resize(kMaxLine);
            text += "...";
        }
        return text;
    }

  private:
    Journal& to_;
};

}  // namespace k8s_client
