#include "server/workers.h"

#include <algorithm>
#include <utility>

namespace server {

Workers::~Workers() {
    stop(Worker::Stop::Drain);
}

std::vector<Listen> Workers::held() const {
    std::vector<Listen> held;
    for (const Open& open : open_) {
        if (std::ranges::find(held, open.listen) == held.end()) {
            held.push_back(open.listen);
        }
    }
    return held;
}

Workers::Opened Workers::open(const std::vector<Listen>& listens,
                              InheritedSockets inherited) const {
    Opened opened(count_);
    std::vector<Listen> missing;
    const auto held = this->held();
    std::ranges::copy_if(listens, std::back_inserter(missing), [&](const Listen& listen) {
        return std::ranges::find(held, listen) == held.end();
    });
    for (const Listen& listen : missing) {
        std::size_t worker = 0;
        // A socket that nobody reads would swallow its share of the queries: all are given out.
        for (ListenSockets& sockets : inherited) {
            if (sockets.listen == listen) {
                opened[worker++ % count_].push_back(std::move(sockets));
            }
        }
        for (; worker < count_; ++worker) {
            opened[worker].push_back({listen, open_udp(listen), open_tcp(listen)});
        }
    }
    return opened;
}

void Workers::serve(const std::shared_ptr<const Routing>& routing, Opened opened) {
    std::erase_if(open_,
                  [&](const Open& open) { return routing->find_route(open.listen) == nullptr; });
    for (const auto& sockets : opened) {
        for (const ListenSockets& one : sockets) {
            open_.push_back({one.listen, one.udp.get(), one.tcp.get()});
        }
    }
    if (workers_.empty()) {
        start(routing, std::move(opened));
        return;
    }
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        workers_[i]->adopt(routing, std::move(opened[i]));
    }
}

void Workers::start(const std::shared_ptr<const Routing>& routing, Opened opened) {
    for (auto& sockets : opened) {
        workers_.push_back(
            std::make_unique<Worker>(routing, std::move(sockets), workers_.size(), &heartbeats_));
    }
    for (const auto& worker : workers_) {
        threads_.emplace_back([&w = *worker] { w.run(); });
    }
}

void Workers::stop(Worker::Stop how) {
    for (const auto& worker : workers_) {
        worker->stop(how);
    }
    for (std::thread& thread : threads_) {
        thread.join();
    }
    threads_.clear();
    workers_.clear();
    open_.clear();
}

}  // namespace server
