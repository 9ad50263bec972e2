#include "k8s_client/reflector.h"

#include <algorithm>
#include <utility>

namespace k8s_client {
namespace {

using Level = Journal::Level;

/// Watches that bring nothing are not tried more often in a row before all is listed again.
constexpr unsigned kMaxFruitless = 3;

/// A watch that lasted is none that failed, though nothing happened.
constexpr std::chrono::seconds kLongWatch{10};

std::string advice(const ApiResource& resource, const std::string& verb, const Ending& ending) {
    const std::string what = verb + " " + std::string(resource.plural);
    const std::string says = ending.text.empty() ? "" : "; it says: " + ending.text;
    switch (ending.kind) {
        case Ending::Kind::Connect:
        case Ending::Kind::Untrusted:
        case Ending::Kind::Broken:
        case Ending::Kind::Silent:
            return ending.text;  // the same for all resources, so that it is told once
        case Ending::Kind::Refused:
            if (ending.status == 401) {
                return "the API server does not accept our credentials (401): the token or "
                       "certificate is missing, expired or of another cluster" +
                       says;
            }
            return "the API server refuses to " + what + " (403): the ClusterRole needs verb \"" +
                   verb + "\" on resource \"" + std::string(resource.plural) +
                   "\" of API group \"" + std::string(resource.group) + "\"" + says;
        case Ending::Kind::NotFound:
            return "the API server has no " + std::string(resource.path) + " (404)" + says;
        case Ending::Kind::TooLarge:
            return what + ": the API server is behind what it has told before" + says;
        case Ending::Kind::Throttled:
            return what + ": the API server has too much to do (429)" + says;
        case Ending::Kind::Malformed:
            return what + ": " + ending.text;
        default:
            return what + ": the API server answers " + std::to_string(ending.status) + says;
    }
}

/// What to try where the API does not tell what it has.
const ApiResource& older_than(const ApiResource& resource) {
    return resource == kEndpointSlices       ? kEndpointSlicesBeta
           : resource == kEndpointSlicesBeta ? kEndpoints
                                             : kEndpointSlices;
}

}  // namespace

Reflector::Reflector(const ApiResource& resource, Selection selection,
                     const Surroundings& surroundings, std::function<void()> listed,
                     const RetryPace& pace)
    : http_(surroundings.http),
      complaints_(surroundings.complaints),
      journal_(surroundings.journal),
      stop_(surroundings.stop),
      observer_(surroundings.observer),
      requests_(resource, std::move(selection), surroundings.http, surroundings.gate,
                surroundings.stop, surroundings.sink, surroundings.journal),
      first_listed_(std::move(listed)),
      has_versions_(resource == kEndpointSlices),
      find_resource_(has_versions_),
      connect_backoff_(pace.connect_shortest, pace.connect_longest),
      error_backoff_(pace.error_shortest, pace.error_longest) {}

void Reflector::run() {
    while (!stop_.raised()) {
        react(step());
    }
}

void Reflector::ask_for_relist() {
    relist_asked_.store(true, std::memory_order_relaxed);
    http_.interrupt();
}

/// The next request.
Ending Reflector::step() {
    watching_ = false;
    if (relist_asked_.exchange(false, std::memory_order_relaxed)) {
        needs_list_ = doubts_versions_ = consistent_ = true;
    }
    if (find_resource_) {
        return find_resource();
    }
    if (doubts_versions_) {
        return check_versions();
    }
    if (needs_list_) {
        return list();
    }
    return watch();
}

Ending Reflector::watch() {
    const auto begun = std::chrono::steady_clock::now();
    Ending ending = requests_.watch(relist_asked_, [this] {
        watching_ = true;
        connect_backoff_.reset();
        complaints_.settle(resource().plural);
    });
    doubts_versions_ |= requests_.watch_went_back();
    if (relist_asked_.load(std::memory_order_relaxed) && ending.kind != Ending::Kind::Stopped) {
        return {};  // we cut it ourselves
    }
    const bool lasted = std::chrono::steady_clock::now() - begun >= kLongWatch;
    if (requests_.watch_progressed() || lasted) {
        made_progress();
    } else if (ending.kind == Ending::Kind::Complete) {
        return {Ending::Kind::Broken, 0, "the watch ended before it brought anything", {}};
    }
    return ending;
}

Ending Reflector::list() {
    if (!consistent_ && may_stream_) {
        return streaming_list();
    }
    Ending ending =
        consistent_ ? requests_.list_in_pages(versions_restarted_) : requests_.list_at_once();
    if (ending.kind == Ending::Kind::Complete) {
        listed();
    }
    return ending;
}

/// Goes on as a watch. A server that does not know it says so, or never says that the list is
/// complete: then it is asked for a plain one.
Ending Reflector::streaming_list() {
    Ending ending = requests_.list_by_watch(relist_asked_, [this] { listed(); });
    if (requests_.watch_progressed()) {
        made_progress();
        return ending;
    }
    if (relist_asked_.load(std::memory_order_relaxed) && ending.kind != Ending::Kind::Stopped) {
        return {};  // we cut it ourselves
    }
    if (ending.kind != Ending::Kind::Connect && ending.kind != Ending::Kind::Untrusted &&
        ending.kind != Ending::Kind::Refused) {
        may_stream_ = false;
    }
    return ending.kind == Ending::Kind::Invalid || ending.kind == Ending::Kind::Complete ? Ending()
                                                                                         : ending;
}

void Reflector::listed() {
    needs_list_ = consistent_ = versions_restarted_ = false;
    connect_backoff_.reset();
    complaints_.settle(resource().plural);
    if (observer_ != nullptr) {
        observer_->listed(resource().plural);
    }
    if (first_listed_) {
        std::exchange(first_listed_, nullptr)();
    }
}

/// Only a watch that lives shows that all is well: a list may succeed where a watch is refused.
void Reflector::made_progress() {
    fruitless_ = 0;
    error_backoff_.reset();
}

/// Asked at start, when the version in use has gone, and while it is not the newest: the cluster
/// may have been upgraded.
Ending Reflector::find_resource() {
    const ApiResource* found = nullptr;
    Ending ending = requests_.find_endpoint_resource(found);
    if (ending.status == 403) {  // discovery is closed to us; the resource need not be
        found = is_gone_ ? &older_than(resource()) : &resource();
        ending = {};
    }
    if (found != nullptr) {
        find_resource_ = is_gone_ = false;
        if (*found != resource()) {
            journal_.write(Level::Info, "endpoints are read from " + std::string(found->path));
            requests_.use(*found);
            needs_list_ = true;
        }
    }
    return ending;
}

/// A server that was restored from a backup of etcd has lower versions than we have seen. To a
/// watch from ours it would never send anything.
Ending Reflector::check_versions() {
    std::uint64_t current = 0;
    Ending ending = requests_.current_version(current);
    if (ending.kind != Ending::Kind::Complete) {
        return ending;
    }
    doubts_versions_ = false;
    if (current < requests_.version()) {
        versions_restarted_ = needs_list_ = consistent_ = true;
        journal_.write(Level::Warning,
                       std::string(resource().plural) +
                           ": the API server's versions went back from " +
                           std::to_string(requests_.version()) + " to " + std::to_string(current) +
                           ": its etcd was restored or replaced; what it has now counts");
    }
    return ending;
}

void Reflector::react(const Ending& ending) {
    switch (ending.kind) {
        case Ending::Kind::Stopped:
        case Ending::Kind::Complete:
            break;
        case Ending::Kind::Connect:
        case Ending::Kind::Broken:
            complain(ending);
            reconnect(ending);
            break;
        case Ending::Kind::Silent:
            // No fault yet of a watch of what never changes: Kubernetes 1.20 sends it no bookmarks.
            if (!watching_) {
                complain(ending);
            }
            reconnect(ending);
            break;
        case Ending::Kind::Expired:
            needs_list_ = true;
            if (++fruitless_ > 1) {
                pause(error_backoff_, ending);
            }
            break;
        case Ending::Kind::TooLarge:
            complain(ending);
            doubts_versions_ = needs_list_ = consistent_ = true;
            pause(error_backoff_, ending);
            break;
        case Ending::Kind::NotFound:
            find_resource_ = is_gone_ = has_versions_;
            retry_later(ending);
            break;
        case Ending::Kind::Untrusted:
            complain(ending);
            doubts_versions_ = requests_.version() != 0;
            pause(error_backoff_, ending);
            break;
        case Ending::Kind::Invalid:
        case Ending::Kind::Throttled:
        case Ending::Kind::Refused:
        case Ending::Kind::Failed:
            retry_later(ending);
            break;
        case Ending::Kind::Malformed:
            if (observer_ != nullptr) {
                observer_->malformed(resource().plural);
            }
            retry_later(ending);
            break;
    }
}

/// Behind the same address there may now be another server, of another version.
void Reflector::reconnect(const Ending& ending) {
    doubts_versions_ = requests_.version() != 0;
    find_resource_ = find_resource_ || (has_versions_ && resource() != kEndpointSlices);
    may_stream_ = true;
    pause(connect_backoff_, ending);
}

void Reflector::retry_later(const Ending& ending) {
    // An API server that has just started refuses what it has not read the roles for.
    const bool may_pass = ending.kind == Ending::Kind::Refused && fruitless_ == 0;
    if (!may_pass || requests_.version() == 0) {
        complain(ending);
    }
    if (++fruitless_ >= kMaxFruitless) {
        needs_list_ = true;
    }
    pause(error_backoff_, ending);
}

void Reflector::complain(const Ending& ending) {
    const bool is_error =
        ending.kind == Ending::Kind::Refused || ending.kind == Ending::Kind::Untrusted;
    const Level level = is_error ? Level::Error : Level::Warning;
    complaints_.raise(resource().plural, level, advice(resource(), requests_.verb(), ending));
}

void Reflector::pause(Backoff& backoff, const Ending& ending) {
    constexpr std::chrono::milliseconds kLongest = std::chrono::minutes(1);
    const std::chrono::milliseconds asked = ending.retry_after.value_or(std::chrono::seconds(0));
    stop_.wait_for(std::max(backoff.next(), std::min(asked, kLongest)));
}

}  // namespace k8s_client
