#include "server/process.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <unistd.h>
#include <utility>

#include "server/error_log.h"
#include "server/passed_sockets.h"
#include "server/random_value.h"
#include "server/routing_samples.h"
#include "server/sockets.h"
#include "server/status_routes.h"

namespace server {
namespace {

using namespace std::chrono_literals;
using Level = k8s_client::Journal::Level;

constexpr auto kLookAroundEvery = 100ms;  // the main thread
/// Queries that wait for upstreams, on all workers together: about 40 MB at the worst.
constexpr std::size_t kMostPending = 40'000;

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

bool all_ready(const Instance& instance) {
    return std::ranges::all_of(instance.sources,
                               [](const auto& source) { return source->ready(); });
}

}  // namespace

unsigned count_of_workers(const CommandLine& command_line, const Config& config) {
    const unsigned asked = command_line.workers != 0 ? command_line.workers : config.workers;
    return asked != 0 ? asked : fitting_workers();
}

Process::Process(const CommandLine& command_line, const Signals& signals,
                 const std::vector<std::string>& notices)
    : command_line_(command_line),
      signals_(signals),
      sink_(command_line.log_style),
      log_(sink_),
      upstreams_(log_),
      key_(random_value<zones::HashKey>()),
      schedule_(random_value<std::uint64_t>()),
      memory_reserve_(log_) {
    for (const std::string& notice : notices) {
        log_.write(Level::Warning, notice);
    }
}

Process::~Process() {
    if (workers_ != nullptr) {
        workers_->stop(Worker::Stop::Drain);
    }
    log_refused_calls();
}

/// What the Corefile says, its addresses checked.
Config Process::load(const LoadOptions& corefile) {
    Config config = load_config(corefile);
    std::vector<Listen> held;
    if (workers_ != nullptr) {
        held = workers_->held();
    }
    if (predecessor_ != nullptr) {
        std::ranges::copy(predecessor_->listens(), std::back_inserter(held));
    }
    settle_listens(config, held, &free_port_);
    return config;
}

std::shared_ptr<Instance> Process::prepare(Config config) {
    const RoutingNotices notices{
        .metrics = metrics_.get(),
        .log = &sink_,
        .at_load = [this](const std::string& text) { log_.write(Level::Warning, text); },
        .loop = [this](const auto& probe, bool loops) { upstreams_.loop(probe, loops); },
        .down = [this](const auto& upstream, bool down) { upstreams_.down(upstream, down); }};
    for (const std::string& notice : config.notices) {
        log_.write(Level::Info, notice);
    }
    auto instance = make_instance(std::move(config), key_, notices, log_, instance_.get());
    auto& most = instance->routing.max_pending;
    most = std::min(most, kMostPending / workers_->count());
    return instance;
}

/// As CoreDNS does: until all is listed or startup_timeout has passed, with a line twice a second.
/// False if a signal says that the process is to end.
bool Process::wait_until_ready(const Instance& instance) {
    const auto start = std::chrono::steady_clock::now();
    auto next_line = start;
    for (const auto& source : instance.sources) {
        while (!source->ready()) {
            const auto now = std::chrono::steady_clock::now();
            if (now - start >= source->startup_timeout()) {
                break;
            }
            if (now >= next_line + 500ms) {
                next_line = now;
                log_.write(Level::Info,
                           "plugin/kubernetes: waiting for Kubernetes API before starting server");
            }
            const auto signal = signals_.wait(10ms);
            if (Signals::ends(signal)) {
                return false;
            }
            reload_asked_ = reload_asked_ || signal == SIGUSR1;
        }
    }
    return true;
}

Process::PreparedHttp Process::prepare_http(const Config& config) {
    const auto scrape = [metrics = metrics_.get()] {
        return HttpReply{200, kMetricsContentType, metrics->text()};
    };
    std::vector<InheritedHttpListener> inherited;
    if (predecessor_ != nullptr) {
        inherited = predecessor_->take_http();
    }
    PreparedHttp prepared;
    prepared.status = status_->prepare(config.status, inherited);
    prepared.admin = admin_->prepare(config, scrape, std::move(inherited));
    return prepared;
}

/// instance_ is what they speak of from now on.
void Process::commit_http(PreparedHttp prepared) {
    serving_.publish(instance_);
    admin_->commit(std::move(prepared.admin), ready_checks(instance_->routing));
    status_->commit(std::move(prepared.status));
}

/// What instance_ says is served from now on.
void Process::serve(Workers::Opened opened) {
    workers_->serve({instance_, &instance_->routing}, std::move(opened));
    metrics_->rare().replace(metric::kPluginEnabled, enabled_plugins(instance_->routing));
    schedule_.loaded(instance_->config.reload, instance_->config.hash,
                     ReloadSchedule::Clock::now());
}

/// The parts that outlive every instance.
void Process::make_parts(const Config& config) {
    workers_ = std::make_unique<Workers>(count_of_workers(command_line_, config));
    metrics_ = std::make_unique<Metrics>(workers_->count());
    limits_ = std::make_unique<LimitNotices>(*metrics_, log_);
    log_reading_ = metrics_->show([this](auto& samples) {
        samples.push_back({&metric::kLostLogLines, {}, static_cast<double>(sink_.lost())});
    });
    admin_ = std::make_unique<Admin>([workers = workers_.get()] { return workers->stuck(); },
                                     metrics_->rare(), log_);
    status_ = std::make_unique<StatusServer>(
        status_routes({.instance = [this] { return serving_.value(); },
                       .metrics = *metrics_,
                       .history = history_,
                       .started = std::chrono::steady_clock::now()}),
        &metrics_->rare());
}

/// All that instance_ listens on; HTTP is answered from now on.
Workers::Opened Process::open_all() {
    auto opened =
        workers_->open(listens_of(instance_->config),
                       predecessor_ == nullptr ? InheritedSockets{} : predecessor_->take_sockets());
    commit_http(prepare_http(instance_->config));
    return opened;
}

bool Process::start() {
    if (!command_line_.takeover.empty()) {
        predecessor_ = Predecessor::find(command_line_.takeover);
    }
    Config config = load(read_corefile(command_line_));
    make_parts(config);
    instance_ = prepare(std::move(config));
    Workers::Opened opened;
    if (predecessor_ == nullptr) {
        opened = open_all();
    }
    if (!wait_until_ready(*instance_)) {
        return false;
    }
    if (predecessor_ != nullptr) {  // before, it would lose queries and probes to us
        opened = open_all();
    }
    if (!all_ready(*instance_)) {
        log_.write(Level::Warning,
                   "plugin/kubernetes: starting server with unsynced Kubernetes API");
    }
    write_pid(command_line_.pidfile);
    serve(std::move(opened));
    if (!command_line_.quiet) {
        announce();
    }
    if (instance_->config.reload) {
        log_running();
    }
    if (!command_line_.takeover.empty()) {
        hand_over_ = std::make_unique<HandOver>(command_line_.takeover);
    }
    if (predecessor_ != nullptr) {  // last: until now it can go on as if nothing had happened
        predecessor_->we_serve();
        predecessor_.reset();
    }
    return true;
}

void Process::run() {
    if (!start()) {
        return;
    }
    for (;;) {
        const auto signal = signals_.wait(kLookAroundEvery);
        if (Signals::ends(signal)) {
            log_.write(Level::Info, signal == SIGTERM
                                        ? "SIGTERM: Shutting down servers then terminating"
                                        : "SIGINT: Shutting down");
            admin_->stop_being_ready();
            lame_duck();
            workers_->stop(Worker::Stop::Drain);
            return;
        }
        reload_asked_ = reload_asked_ || signal == SIGUSR1;
        let_go_of_former();
        freed_memory_.tick(FreedMemory::Clock::now());
        memory_reserve_.tick(MemoryReserve::Clock::now());
        log_refused_calls();
        limits_->tick(LimitNotices::Clock::now());
        if (instance_->config.status) {
            history_.tick(*metrics_, TrafficHistory::Clock::now());
        }
        if (!may_reload()) {
            // Later: the signal is remembered, and the period goes on.
        } else if (std::exchange(reload_asked_, false)) {
            reload();
        } else if (schedule_.due(ReloadSchedule::Clock::now())) {
            look_for_changes();
        }
        if (hand_over_ != nullptr &&
            hand_over_->poll(
                passed_sockets(*workers_, {&admin_->listeners(), &status_->listeners()}))) {
            step_aside();
            return;
        }
    }
}

/// Another process serves on our sockets.
void Process::step_aside() {
    log_.write(Level::Info, "another process has taken over; finishing what was begun");
    admin_->commit({}, {});
    status_->commit({});
    workers_->stop(Worker::Stop::HandOver);
    // The end of a container's first process would have it started again, to take all back.
    while (getpid() == 1 && !Signals::ends(signals_.wait(1s))) {
    }
}

/// Says goodbye to who asks whether we are ready, and serves on while they look elsewhere.
void Process::lame_duck() {
    const auto time =
        std::chrono::duration_cast<std::chrono::milliseconds>(lameduck_of(instance_->config));
    if (time.count() == 0) {
        return;
    }
    log_.write(Level::Info, "plugin/health: Going into lameduck mode for " + duration_text(time));
    const auto end = std::chrono::steady_clock::now() + time;
    for (auto now = end - time; now < end; now = std::chrono::steady_clock::now()) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - now);
        if (Signals::ends(signals_.wait(left))) {
            return;  // told twice
        }
    }
}

/// Not while workers end the routing before: until then its sockets are open, in the way of new
/// ones. Nor while another process has our sockets: it has read the new file, or will. Nor without
/// memory: a worker that finds none would end the process.
bool Process::may_reload() const {
    return former_.empty() && !memory_is_short() &&
           (hand_over_ == nullptr || !hand_over_->under_way());
}

void Process::look_for_changes() {
    if (command_line_.use_stdin) {
        return;
    }
    try {
        if (schedule_.is_news(hash_of(read_corefile(command_line_)))) {
            reload();
        }
    } catch (const ConfigError& error) {
        if (schedule_.last_refused() != error.what()) {
            refuse_reload(error.what(), error.what());
        }
    }
}

/// The new configuration is made beside the running one, which goes on if anything is wrong.
void Process::reload() {
    if (command_line_.use_stdin) {
        log_.write(Level::Warning, "a Corefile from standard input cannot be read again");
        return;
    }
    std::string hash;
    try {
        log_.write(Level::Info, "Reloading");
        const LoadOptions corefile = read_corefile(command_line_);
        hash = hash_of(corefile);
        Config config = load(corefile);
        if (count_of_workers(command_line_, config) != workers_->count()) {
            log_.write(Level::Warning,
                       "plugin/reload: the number of workers changes with a restart");
        }
        auto next = prepare(std::move(config));
        if (!wait_until_ready(*next)) {
            raise(SIGTERM);  // which is what was received: run() sees to it
            return;
        }
        if (!all_ready(*next)) {
            // Not remembered as refused: the API may answer the next time.
            refuse_reload("the Kubernetes API did not answer within startup_timeout", "");
            return;
        }
        // Last: what is opened beside a socket of all addresses gets its queries at once.
        auto http = prepare_http(next->config);
        auto opened = workers_->open(listens_of(next->config));
        former_.push_back(std::exchange(instance_, std::move(next)));
        serve(std::move(opened));
        // What it borrows is instance_'s by now, whatever it throws.
        commit_http(std::move(http));
        metrics_->rare().replace(metric::kReloadVersion, {{{"hash", "sha512"}, {"value", hash}}});
        log_.write(Level::Info, "Reloading complete");
        log_running();
    } catch (const std::exception& error) {
        refuse_reload(error.what(), hash.empty() ? error.what() : hash);
    }
}

/// `what` identifies the bad Corefile, so that it is not tried again; empty: it is.
void Process::refuse_reload(const std::string& why, const std::string& what) {
    schedule_.refused(what);
    metrics_->rare().add(metric::kReloadFailed);
    log_.write(Level::Error, "plugin/reload: Corefile changed but reload failed: " + why);
}

void Process::let_go_of_former() {
    std::erase_if(former_, [](const auto& former) { return former.use_count() == 1; });
}

}  // namespace server
