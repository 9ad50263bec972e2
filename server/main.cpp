// The process: reads the configuration, puts the parts together, waits for a signal, takes them
// down in reverse order. Owns everything.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <fcntl.h>
#include <fstream>
#include <memory>
#include <pthread.h>
#include <sys/random.h>
#include <thread>
#include <vector>

#include "k8s_client/manifests.h"
#include "server/command_line.h"
#include "server/config.h"
#include "server/operator_log.h"
#include "server/routing.h"
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

std::vector<std::unique_ptr<k8s_client::ManifestSource>> start_sources(
    const server::Routing& routing, server::OperatorLog& log) {
    std::vector<std::unique_ptr<k8s_client::ManifestSource>> sources;
    for (const server::Block& block : routing.blocks) {
        if (block.cluster != nullptr) {
            const server::KubernetesConfig& config = *block.config->kubernetes;
            sources.push_back(std::make_unique<k8s_client::ManifestSource>(
                k8s_client::ManifestOptions{config.manifests, config.labels,
                                            config.namespace_labels},
                *block.cluster, log));
        }
    }
    return sources;
}

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
    server::Config config = server::load_config(server::read_corefile(command_line));
    server::settle_listens(config);
    const server::Routing routing =
        server::make_routing(config, server::listening_addresses(config), random_key());
    for (const std::string& notice : config.notices) {
        log.write(Level::Info, notice);
    }
    const auto sources = start_sources(routing, log);  // all is read before the first query
    const unsigned asked = command_line.workers != 0 ? command_line.workers : config.workers;
    WorkerThreads workers(routing, asked != 0 ? asked : server::fitting_workers());
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
