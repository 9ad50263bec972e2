// What an operator reads: one line each, as CoreDNS writes them ("[INFO] ..."), or as JSON.
// Knows the sink, which it borrows; knows nothing of queries (query_log.h). Any thread may write.
#pragma once

#include <string>

#include "server/log_sink.h"

namespace server {

class OperatorLog : public k8s_client::Journal {
  public:
    explicit OperatorLog(LogSink& sink) : sink_(sink) {}

    void write(Level level, const std::string& text) override;
    /// A line without its level, as CoreDNS says what it is at start.
    void announce(const std::string& text);

  private:
    LogSink& sink_;
};

}  // namespace server
