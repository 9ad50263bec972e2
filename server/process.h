// The life of the process: start, reloads, takeover, end.
// Knows the order in which parts begin and end; knows nothing of queries or objects. Owns every
// part, and takes them down in reverse order. On the main thread only.
#pragma once

#include <memory>
#include <vector>

#include "server/admin.h"
#include "server/command_line.h"
#include "server/freed_memory.h"
#include "server/instance.h"
#include "server/limit_notices.h"
#include "server/memory_reserve.h"
#include "server/metrics.h"
#include "server/operator_log.h"
#include "server/published.h"
#include "server/reload_schedule.h"
#include "server/signals.h"
#include "server/status_server.h"
#include "server/syscall_filter.h"
#include "server/takeover.h"
#include "server/traffic_history.h"
#include "server/upstream_notices.h"
#include "server/workers.h"

namespace server {

/// As the command line says, else the Corefile, else as many as fit the machine.
unsigned count_of_workers(const CommandLine& command_line, const Config& config);

class Process {
  public:
    /// Throws ConfigError or ManifestError for what keeps the process from starting; SIGTERM may
    /// end it before it serves. `notices` of what was before enter the log.
    Process(const CommandLine& command_line, const Signals& signals,
            const std::vector<std::string>& notices);
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    /// Until SIGTERM or SIGINT, or until another process has taken over.
    void run();

  private:
    bool start();
    Workers::Opened open_all();
    bool may_reload() const;
    Config load(const LoadOptions& corefile);
    std::shared_ptr<Instance> prepare(Config config);
    bool wait_until_ready(const Instance& instance);
    void make_parts(const Config& config);
    struct PreparedHttp {
        Admin::Prepared admin;
        StatusServer::Prepared status;
    };
    PreparedHttp prepare_http(const Config& config);
    void commit_http(PreparedHttp prepared);
    void serve(Workers::Opened opened);
    void look_for_changes();
    void reload();
    void refuse_reload(const std::string& why, const std::string& what);
    void let_go_of_former();
    void lame_duck();
    void step_aside();
    void announce();
    void log_running();
    void log_refused_calls();

    const CommandLine& command_line_;
    const Signals& signals_;
    LogSink sink_;
    OperatorLog log_;
    UpstreamNotices upstreams_;
    std::unique_ptr<Metrics> metrics_;  // null until the number of workers is known
    Metrics::Reading log_reading_;
    std::unique_ptr<LimitNotices> limits_;  // with metrics_
    const zones::HashKey key_;
    std::uint16_t free_port_ = 0;  // what port 0 stands for
    ReloadSchedule schedule_;
    FreedMemory freed_memory_;
    MemoryReserve memory_reserve_;
    RefusedCalls refused_calls_;
    bool reload_asked_ = false;                 // by a signal
    std::unique_ptr<Predecessor> predecessor_;  // until we serve
    std::shared_ptr<Instance> instance_;
    std::vector<std::shared_ptr<Instance>> former_;  // with workers that still need them
    std::unique_ptr<Workers> workers_;
    std::unique_ptr<Admin> admin_;
    Published<Instance> serving_{nullptr};  // instance_, for who asks from other threads
    TrafficHistory history_;                // with `status`
    std::unique_ptr<StatusServer> status_;
    std::unique_ptr<HandOver> hand_over_;  // null without -takeover
};

}  // namespace server
