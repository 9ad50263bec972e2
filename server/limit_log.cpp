#include "server/limit_log.h"

#include <algorithm>
#include <functional>
#include <string>

#include <fmt/format.h>

namespace server {
namespace {

constexpr auto kPeriod = std::chrono::seconds(60);
constexpr std::size_t kMostLines = 10;  // for clients, each period
constexpr std::size_t kMostClients = 512;

std::string net_text(const Net& net) {
    const std::string address = zones::to_string(net.first);
    const bool whole = net.bits == (std::holds_alternative<zones::Ipv4>(net.first) ? 32U : 128U);
    return whole ? address : address + "/" + std::to_string(net.bits);
}

std::string what_of(const LimitedClient& client) {
    const std::string who = net_text(client.net);
    const char* s = client.allowed == 1 ? "" : "s";
    switch (client.limit) {
        case Limit::Queries:
            return fmt::format("plugin/ratelimit: client {} sends more than {} quer{} a second",
                               who, client.allowed, client.allowed == 1 ? "y" : "ies");
        case Limit::Forwards:
            return fmt::format("plugin/ratelimit: client {} needs more than {} forward{} a second",
                               who, client.allowed, s);
        case Limit::Requests:
            return fmt::format("plugin/rrl: clients in {} send more than {} request{} a second",
                               who, client.allowed, s);
        case Limit::Responses:
            return fmt::format(
                "plugin/rrl: clients in {} would get more equal replies than {} a second", who,
                client.allowed);
        case Limit::Waiting:
            break;
    }
    return fmt::format("plugin/forward: client {} has its share of {} places for queries that wait",
                       who, client.allowed);
}

std::string actions_text(const LimitedClient& client) {
    std::string text;
    for (std::size_t i = 0; i < kLimitActions; ++i) {
        if (client.times[i] > 0) {
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", client.times[i],
                                kLimitActionNames[i]);
        }
    }
    return text;
}

}  // namespace

LimitLog::~LimitLog() {
    write();
}

void LimitLog::tick(LimitedClients& counted, Clock::time_point now) {
    if (counted.empty() && now < next_due_.load(std::memory_order_relaxed)) {
        return;
    }
    const std::lock_guard lock(mutex_);
    take(counted);
    counted.clear();
    if (now < quiet_until_) {
        next_due_ = clients_.empty() && others_ == 0 ? Clock::time_point::max() : quiet_until_;
        return;
    }
    if (!clients_.empty() || others_ > 0) {
        write();
        quiet_until_ = now + kPeriod;
    }
    next_due_ = Clock::time_point::max();
}

void LimitLog::take(const LimitedClients& counted) {
    others_ += counted.others();
    for (const LimitedClient& more : counted.clients()) {
        const auto known = std::ranges::find_if(
            clients_, [&](const LimitedClient& client) { return client.is_same(more); });
        if (known != clients_.end()) {
            for (std::size_t i = 0; i < kLimitActions; ++i) {
                known->times[i] += more.times[i];
            }
        } else if (clients_.size() < kMostClients) {
            clients_.push_back(more);
        } else {
            others_ += more.all_times();
        }
    }
}

void LimitLog::write() {
    std::ranges::sort(clients_, std::greater<>(), &LimitedClient::all_times);
    std::string lines;
    for (std::size_t i = 0; i < clients_.size(); ++i) {
        if (i < kMostLines) {
            lines += log_line(sink_.style(), LogLevel::Warning,
                              what_of(clients_[i]) + ": " + actions_text(clients_[i]));
        } else {
            others_ += clients_[i].all_times();
        }
    }
    if (others_ > 0) {
        lines += log_line(sink_.style(), LogLevel::Warning,
                          fmt::format("{} queries of other clients were limited", others_));
    }
    if (!lines.empty()) {
        sink_.write(lines);
    }
    clients_.clear();
    others_ = 0;
}

}  // namespace server
