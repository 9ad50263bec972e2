#include "tests/bench/load/totals.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>

namespace load {
namespace {

float microseconds(Clock::duration duration) {
    return std::chrono::duration<float, std::micro>(duration).count();
}

/// Nanoseconds of CPU that these processes have used, all their threads.
double cpu_nanoseconds(const std::vector<std::string>& pids) {
    double total = 0;
    for (const std::string& pid : pids) {
        const std::filesystem::path tasks = std::filesystem::path("/proc") / pid / "task";
        std::error_code gone;
        for (const auto& task : std::filesystem::directory_iterator(tasks, gone)) {
            double used = 0;
            if (std::ifstream(task.path() / "schedstat") >> used) {
                total += used;
            }
        }
    }
    return total;
}

}  // namespace

void Totals::count(const InFlight::Query& query, Octets reply, Clock::time_point now) {
    ++answers_;
    octets_ += reply.size();
    microseconds_.push_back(microseconds(now - query.due));
    if (check_ && !questions_.is_answered_by(query.question, reply) && wrong_++ == 0) {
        const unsigned rcode = reply.size() < 12 ? 16 : reply[3] & 15U;
        std::fprintf(stderr, "wrong answer: %s, rcode %u, %zu octets\n",
                     questions_.text(query.question).c_str(), rcode, reply.size());
    }
}

void Totals::lose(std::size_t queries) {
    lost_ += queries;
    microseconds_.insert(microseconds_.end(), queries, microseconds(kGiveUp));
}

double Totals::percentile(double part) const {
    if (microseconds_.empty()) {
        return 0;
    }
    const auto at = static_cast<std::size_t>(part * static_cast<double>(microseconds_.size()));
    return static_cast<double>(microseconds_[std::min(at, microseconds_.size() - 1)]);
}

Totals::Moment Totals::now() const {
    timespec own{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
    return {Clock::now(), static_cast<double>(own.tv_sec) + static_cast<double>(own.tv_nsec) / 1e9,
            cpu_nanoseconds(pids_)};
}

void Totals::print() {
    const double seconds = std::chrono::duration<double>(ended_.time - began_.time).count();
    const double busy = (ended_.own_seconds - began_.own_seconds) / seconds;
    const double cpu = (ended_.server_nanoseconds - began_.server_nanoseconds) / 1000;
    std::sort(microseconds_.begin(), microseconds_.end());
    const double answers = std::max(static_cast<double>(answers_), 1.0);
    std::printf("{\"answers\": %zu, \"lost\": %zu, \"wrong\": %zu, ", answers_, lost_, wrong_);
    std::printf("\"rate\": %.0f, \"cpu_us\": %.4f, \"reply_octets\": %.1f, ",
                static_cast<double>(answers_) / seconds, cpu / answers,
                static_cast<double>(octets_) / answers);
    std::printf("\"load_busy\": %.3f, ", busy);
    std::printf("\"hostile\": %zu, \"hostile_rate\": %.0f, \"hostile_connections\": %zu, ",
                hostile_, static_cast<double>(hostile_) / seconds, hostile_connections_);
    std::printf("\"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"sent_late_us\": %.1f}\n",
                percentile(0.5), percentile(0.99), percentile(0.999),
                static_cast<double>(microseconds(latest_)));
}

}  // namespace load
