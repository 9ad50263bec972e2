#include "server/operator_log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace server {

struct OperatorLog::Impl {
    spdlog::logger logger{"keryx", std::make_shared<spdlog::sinks::stdout_sink_mt>()};
};

OperatorLog::OperatorLog() : impl_(std::make_unique<Impl>()) {
    impl_->logger.set_pattern("%v");
    impl_->logger.flush_on(spdlog::level::info);
}

OperatorLog::~OperatorLog() = default;

void OperatorLog::write(Level level, const std::string& text) {
    switch (level) {
        case Level::Info:
            impl_->logger.info("[INFO] {}", text);
            break;
        case Level::Warning:
            impl_->logger.warn("[WARNING] {}", text);
            break;
        case Level::Error:
            impl_->logger.error("[ERROR] {}", text);
            break;
    }
}

}  // namespace server
