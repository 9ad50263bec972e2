// The process: reads the configuration, puts the parts together, waits for a signal, takes them
// down in reverse order. Owns everything.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <fcntl.h>
#include <fstream>
#include <malloc.h>
#include <memory>
#include <pthread.h>
#include <sys/random.h>
#include <thread>
#include <vector>

#include "server/cluster_source.h"
#include "server/command_line.h"
#include "server/config.h"
#include "server/hosts_reloader.h"
#include "server/operator_log.h"
#include "server/routing.h"
#include "server/upstream_notices.h"
#include "server/version.h"
#include "server/worker.h"

namespace {

using server::ConfigError;
using Level = k8s_client::Journal::Level;

zones::HashKey random_key() {
    zones::HashKey key;
    if (getrandom(&key, sizeof key, 0) != sizeof key) {
        throw ConfigError("getrandom gives no random bytes");
    }
    return key;
}

/// The threads of the workers; stops and joins them when it goes.
class WorkerThreads {
  public:
    WorkerThreads(const server::Routing& routing, unsigned count) {
        for (unsigned i = 0; i < count; ++i) {
            workers_.push_back(std::make_unique<server::Worker>(routing));
        }
    }
    ~WorkerThreads() {
        for (const auto& worker : workers_) {
            worker->stop();
        }
    }
    WorkerThreads(const WorkerThreads&) = delete;
    WorkerThreads& operator=(const WorkerThreads&) = delete;

    void start() {
        for (const auto& worker : workers_) {
            threads_.emplace_back([&w = *worker] { w.run(); });
        }
    }

  private:
    std::vector<std::unique_ptr<server::Worker>> workers_;
    struct Joined : std::vector<std::thread> {
        ~Joined() {
            for (auto& thread : *this) {
                thread.join();
            }
        }
    } threads_;
};

using Sources = std::vector<std::unique_ptr<server::ClusterSource>>;

Sources start_sources(const server::Routing& routing, zones::HashKey key,
                      server::OperatorLog& log) {
    Sources sources;
    for (const server::Block& block : routing.blocks) {
        if (block.cluster != nullptr) {
            sources.push_back(std::make_unique<server::ClusterSource>(*block.config->kubernetes,
                                                                      *block.cluster, key, log));
        }
    }
    return sources;
}

/// As CoreDNS does: until all is listed or startup_timeout has passed, with a line twice a second.
/// False if a signal says that the process is to end.
bool wait_until_ready(const Sources& sources, const sigset_t& signals, server::OperatorLog& log) {
    using namespace std::chrono_literals;
    constexpr timespec kLook{0, 10'000'000};
    const auto start = std::chrono::steady_clock::now();
    auto next_line = start;
    for (const auto& source : sources) {
        while (!source->ready()) {
            const auto now = std::chrono::steady_clock::now();
            if (now - start >= source->startup_timeout()) {
                log.write(Level::Warning,
                          "plugin/kubernetes: starting server with unsynced Kubernetes API");
                break;
            }
            if (now >= next_line + 500ms) {
                next_line = now;
                log.write(Level::Info,
                          "plugin/kubernetes: waiting for Kubernetes API before starting server");
            }
            const int signal = sigtimedwait(&signals, nullptr, &kLook);
            if (signal == SIGTERM || signal == SIGINT) {
                return false;
            }
        }
    }
    return true;
}

server::RoutingNotices notices_to(server::OperatorLog& log, server::UpstreamNotices& upstreams) {
    return {
        .at_load = [&log](const std::string& text) { log.write(Level::Warning, text); },
        .loop = [&upstreams](const auto& probe, bool loops) { upstreams.loop(probe, loops); },
        .down = [&upstreams](const auto& upstream, bool down) { upstreams.down(upstream, down); }};
}

/// Queries that wait for upstreams, on all workers together: about 40 MB at the worst.
constexpr std::size_t kMostPending = 40'000;

void announce(const server::Routing& routing) {
    for (const server::Route& route : routing.routes) {
        std::printf("listening %s\n", server::to_string(route.listen).c_str());
    }
    std::printf("Keryx-%s\n", server::kVersion);
    std::fflush(stdout);
}

sigset_t block_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) {
        sigaddset(&signals, signal);
    }
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    (void)std::signal(SIGPIPE, SIG_IGN);
    return signals;
}

void wait_for_end(const sigset_t& signals, server::OperatorLog& log) {
    for (;;) {
        int signal = 0;
        if (sigwait(&signals, &signal) != 0) {
            continue;
        }
        if (signal == SIGTERM || signal == SIGINT) {
            return;
        }
        if (signal == SIGUSR1) {
            log.write(Level::Warning, "SIGUSR1: reloading is not supported in this version");
        }
    }
}

void write_pid(const std::filesystem::path& file) {
    if (file.empty()) {
        return;
    }
    std::ofstream out(file);
    out << getpid() << '\n';
    if (!out.flush()) {
        throw ConfigError("cannot write the pid file " + file.string());
    }
}

void serve(const server::CommandLine& command_line) {
    const sigset_t signals = block_signals();
    server::OperatorLog log;
    server::UpstreamNotices upstreams(log);
    server::Config config = server::load_config(server::read_corefile(command_line));
    server::settle_listens(config);
    const zones::HashKey key = random_key();
    server::Routing routing = server::make_routing(config, server::listening_addresses(config), key,
                                                   notices_to(log, upstreams));
    for (const std::string& notice : config.notices) {
        log.write(Level::Info, notice);
    }
    const Sources sources = start_sources(routing, key, log);
    if (!wait_until_ready(sources, signals, log)) {
        return;
    }
    const unsigned asked = command_line.workers != 0 ? command_line.workers : config.workers;
    const unsigned count = asked != 0 ? asked : server::fitting_workers();
    routing.max_pending = std::min<std::size_t>(routing.max_pending, kMostPending / count);
    const server::HostsReloader hosts_reloader(routing.hosts, log);
    WorkerThreads workers(routing, count);
    write_pid(command_line.pidfile);
    workers.start();
    if (!command_line.quiet) {
        announce(routing);
    }
    wait_for_end(signals, log);
}

int run(int argc, char** argv) {
    const auto command_line = server::parse_command_line({argv + std::min(argc, 1), argv + argc});
    if (!command_line.help.empty()) {
        std::fputs(command_line.help.c_str(), stdout);
    } else if (command_line.version) {
        std::printf("Keryx-%s\n", server::kVersion);
    } else if (command_line.plugins) {
        std::fputs(server::plugin_list().c_str(), stdout);
    } else {
        serve(command_line);
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    // Queries allocate nothing; what readers of the API free is to serve them again, whichever
    // asks.
    mallopt(M_ARENA_MAX, 2);
    try {
        return run(argc, argv);
    } catch (const server::UsageError& error) {
        std::fprintf(stderr, "keryx: %s\n", error.what());
        return 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "keryx: %s\n", error.what());
        return 1;
    }
}
