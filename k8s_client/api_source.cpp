#include "k8s_client/api_source.h"

#include <atomic>
#include <random>
#include <thread>
#include <utility>

#include "k8s_client/api_connection.h"
#include "k8s_client/audit.h"
#include "k8s_client/observed_get.h"
#include "k8s_client/one_line_journal.h"
#include "k8s_client/reflector.h"

namespace k8s_client {
namespace {

/// Pods that have ended hold no address;
/// https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
constexpr const char* kLivingPods =
    "status.phase!=Succeeded,status.phase!=Failed,status.phase!=Unknown";

class PluginJournal : public Journal {
  public:
    explicit PluginJournal(Journal& to) : to_(to) {}
    void write(Level level, const std::string& text) override {
        to_.write(level, "plugin/kubernetes: " + text);
    }

  private:
    OneLineJournal to_;
};

}  // namespace

struct ApiSource::Impl {
    Impl(ApiOptions given, ObjectSink& object_sink, Journal& to, ApiObserver* told);
    ~Impl();
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    struct Watched {
        Watched(const ApiResource& resource, Selection selection, Impl& impl);
        ApiConnection http;
        ObservedGet observed;
        Reflector reflector;
        std::thread thread;
    };

    void add(const ApiResource& resource, Selection selection);
    void start();
    void run_audits();
    void listed();

    const ApiOptions options;
    ObjectSink& sink;
    ApiObserver* observer;
    PluginJournal journal;
    Complaints complaints{journal};
    RequestGate gate;
    StopSignal stop;
    std::vector<std::unique_ptr<Watched>> watched;
    std::atomic<std::size_t> unlisted{0};
    std::atomic<std::uint64_t> lost{0};
    ApiConnection audit_http;
    ObservedGet observed_audit{audit_http, observer};
    Audit audit{observed_audit, gate, stop, journal};
    std::thread audit_thread;
};

ApiSource::Impl::Watched::Watched(const ApiResource& resource, Selection selection, Impl& impl)
    : http(impl.options.access, impl.options.user_agent),
      observed(http, impl.observer),
      reflector(
          resource, std::move(selection),
          {observed, impl.sink, impl.journal, impl.complaints, impl.gate, impl.stop, impl.observer},
          [&impl] { impl.listed(); }) {}

ApiSource::Impl::Impl(ApiOptions given, ObjectSink& object_sink, Journal& to, ApiObserver* told)
    : options(std::move(given)),
      sink(object_sink),
      observer(told),
      journal(to),
      gate(options.limits, observer),
      audit_http(options.access, options.user_agent) {
    const std::string& labels = options.labels.text();
    add(kNamespaces, {options.namespace_labels.text(), ""});
    add(kServices, {labels, ""});
    if (options.endpoints) {
        add(kEndpointSlices, {labels, ""});
    }
    if (options.pods) {
        add(kPods, {labels, kLivingPods});
    }
    start();
}

ApiSource::Impl::~Impl() {
    stop.raise();
    audit_http.stop();
    for (const auto& one : watched) {
        one->http.stop();
    }
    for (const auto& one : watched) {
        one->thread.join();
    }
    if (audit_thread.joinable()) {
        audit_thread.join();
    }
}

void ApiSource::Impl::add(const ApiResource& resource, Selection selection) {
    watched.push_back(std::make_unique<Watched>(resource, std::move(selection), *this));
}

void ApiSource::Impl::start() {
    unlisted = watched.size();
    for (const auto& one : watched) {
        one->thread = std::thread([&reflector = one->reflector] { reflector.run(); });
    }
    if (options.resync.count() > 0) {
        audit_thread = std::thread([this] { run_audits(); });
    }
}

void ApiSource::Impl::listed() {
    if (--unlisted == 0) {
        sink.synced();
    }
}

/// From 0.9 to 1.1 times the interval, so that the servers of a cluster do not ask together.
void ApiSource::Impl::run_audits() {
    std::minstd_rand random(std::random_device{}());
    std::uniform_real_distribution<double> jitter(0.9, 1.1);
    for (;;) {
        const std::chrono::duration<double, std::milli> interval(
            static_cast<double>(options.resync.count()) * jitter(random));
        if (stop.wait_for(std::chrono::ceil<std::chrono::milliseconds>(interval))) {
            return;
        }
        for (const auto& one : watched) {
            const std::size_t repaired = audit.check(one->reflector);
            lost += repaired;
            if (observer != nullptr && repaired > 0) {
                observer->repaired(repaired);
            }
        }
    }
}

ApiSource::ApiSource(ApiOptions options, ObjectSink& sink, Journal& journal, ApiObserver* observer)
    : impl_(std::make_unique<Impl>(std::move(options), sink, journal, observer)) {}

ApiSource::~ApiSource() = default;

std::vector<ApiSource::ResourceState> ApiSource::state() const {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    std::vector<ResourceState> states;
    for (const auto& one : impl_->watched) {
        ResourceState state;
        state.resource = one->reflector.resource().plural;
        state.version = one->reflector.version();
        state.objects = one->reflector.inventory().size();
        if (const auto heard = one->reflector.heard_at(); heard.count() != 0) {
            state.age = std::chrono::duration_cast<std::chrono::milliseconds>(now - heard);
        }
        states.push_back(std::move(state));
    }
    return states;
}

std::uint64_t ApiSource::lost_changes() const {
    return impl_->lost;
}

}  // namespace k8s_client
