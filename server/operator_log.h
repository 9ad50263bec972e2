// What an operator reads: one line each on standard output, as CoreDNS writes them ("[INFO] ...").
// Knows spdlog; knows nothing of queries (query_log.h). Any thread may write.
#pragma once

#include <memory>
#include <string>

#include "k8s_client/source.h"

namespace server {

class OperatorLog : public k8s_client::Journal {
  public:
    OperatorLog();
    ~OperatorLog() override;
    OperatorLog(const OperatorLog&) = delete;
    OperatorLog& operator=(const OperatorLog&) = delete;

    void write(Level level, const std::string& text) override;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace server
