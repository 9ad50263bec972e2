// What the process tells the operator of itself.
#include "server/announcement.h"
#include "server/process.h"
#include "server/sockets.h"

namespace server {
namespace {

using Level = k8s_client::Journal::Level;

}  // namespace

void Process::announce() {
    const auto lines =
        announcement(instance_->config, listens_of(instance_->config), workers_->count());
    for (const std::string& line : lines) {
        log_.announce(line);
    }
    for (const HttpListeners* listeners : {&admin_->listeners(), &status_->listeners()}) {
        for (const std::string& line : described(*listeners)) {
            log_.announce(line);
        }
    }
}

/// By which pods that have not yet taken up a change are told from those that have.
void Process::log_running() {
    log_.write(Level::Info,
               "plugin/reload: Running configuration SHA512 = " + instance_->config.hash);
}

void Process::log_refused_calls() {
    for (const std::string& call : refused_calls_.take()) {
        log_.write(Level::Warning, "sandbox: refused the system call " + call +
                                       "; if something fails for it, tell us, and run with "
                                       "-no-sandbox until it is mended");
    }
}

}  // namespace server
