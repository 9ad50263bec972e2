#include "server/operator_log.h"

namespace server {

void OperatorLog::write(Level level, const std::string& text) {
    sink_.write(log_line(sink_.style(), level, text));
}

void OperatorLog::announce(const std::string& text) {
    sink_.write(plain_line(sink_.style(), text));
}

}  // namespace server
