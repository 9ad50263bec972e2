// The lines of `log`, collected by a worker and handed over once per batch.
// Decides by name and class which replies are wanted; knows nothing of formats but their style. One
// per worker, on its thread only. Borrows the sink.
#pragma once

#include <string>

#include "server/config.h"
#include "server/log_sink.h"

namespace server {

class QueryLog {
  public:
    /// Null: no lines.
    explicit QueryLog(LogSink* sink) : sink_(sink) {}
    ~QueryLog() { flush(); }
    QueryLog(const QueryLog&) = delete;
    QueryLog& operator=(const QueryLog&) = delete;

    /// A line for the reply, if a `log` of the block wants it.
    void reply(const ServerBlock& block, const LoggedReply& reply);

    void flush();

  private:
    LogSink* sink_;
    std::string lines_;
};

}  // namespace server
