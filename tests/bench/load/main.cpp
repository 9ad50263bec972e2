// A DNS load for one server on 127.0.0.1. Prints one JSON object: rate, losses, wrong answers,
// latency, and the CPU that the server's processes spent on each query. Pin it beside the server.
#include <cstdio>
#include <cstdlib>
#include <getopt.h>
#include <sstream>
#include <sys/epoll.h>

#include "tests/bench/load/run.h"

namespace load {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

void watch(int epoll, int fd, std::uint32_t events, std::size_t index) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = index;
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        fail("epoll_ctl");
    }
}

}  // namespace load

namespace {

constexpr unsigned kMostInFlight = 4096;  // on one socket; an id has 16 bits

constexpr const char* kUsage =
    "usage: load --port PORT --questions FILE [option...]\n"
    "  --mode udp|tcp|tcp-connect   tcp: connections that stay; tcp-connect: one per query\n"
    "  --seconds S                  1\n"
    "  --sockets N                  or connections that stay: 20\n"
    "  --in-flight N                on all of them, all the time: 200\n"
    "  --rate N                     UDP: queries a second whether answered or not\n"
    "  --hostile N                  with --rate: so many hostile packets a second beside it\n"
    "  --hostile-kinds KIND,...     malformed, or a zone of which random names are asked\n"
    "  --drips N                    with --rate: connections that bring an octet a second\n"
    "  --any-answer                 answers are not held against the questions\n"
    "  --pids PID,PID...            the server's processes, whose CPU counts\n"
    "A line of FILE is NAME TYPE [RCODE [ANSWERS]].\n";

[[noreturn]] void usage() {
    std::fputs(kUsage, stderr);
    std::exit(2);
}

unsigned positive(const char* text) {
    const int value = std::atoi(text);
    if (value < 1) {
        usage();
    }
    return static_cast<unsigned>(value);
}

std::vector<std::string> split(const char* text) {
    std::istringstream in(text);
    std::vector<std::string> parts;
    for (std::string part; std::getline(in, part, ',');) {
        parts.push_back(part);
    }
    return parts;
}

void set(load::HostileOptions& options, int flag, const char* value) {
    switch (flag) {
        case 'h':
            options.rate = positive(value);
            break;
        case 'k':
            options.kinds = split(value);
            break;
        case 'd':
            options.drips = positive(value);
            break;
        default:
            usage();
    }
}

void set(load::Options& options, int flag, const char* value) {
    switch (flag) {
        case 'm':
            options.mode = value;
            break;
        case 'p':
            options.port = static_cast<std::uint16_t>(positive(value));
            break;
        case 'q':
            options.questions = value;
            break;
        case 's':
            options.seconds = std::chrono::duration<double>(std::atof(value));
            break;
        case 'n':
            options.sockets = positive(value);
            break;
        case 'i':
            options.in_flight = positive(value);
            break;
        case 'r':
            options.rate = positive(value);
            break;
        case 'a':
            options.check = false;
            break;
        case 'c':
            options.pids = split(value);
            break;
        default:
            set(options.hostile, flag, value);
    }
}

load::Options parse(int argc, char** argv) {
    const option flags[] = {{"mode", required_argument, nullptr, 'm'},
                            {"port", required_argument, nullptr, 'p'},
                            {"questions", required_argument, nullptr, 'q'},
                            {"seconds", required_argument, nullptr, 's'},
                            {"sockets", required_argument, nullptr, 'n'},
                            {"in-flight", required_argument, nullptr, 'i'},
                            {"rate", required_argument, nullptr, 'r'},
                            {"hostile", required_argument, nullptr, 'h'},
                            {"hostile-kinds", required_argument, nullptr, 'k'},
                            {"drips", required_argument, nullptr, 'd'},
                            {"any-answer", no_argument, nullptr, 'a'},
                            {"pids", required_argument, nullptr, 'c'},
                            {}};
    load::Options options;
    for (int flag; (flag = getopt_long(argc, argv, "", flags, nullptr)) != -1;) {
        set(options, flag, optarg);
    }
    if (options.port == 0 || options.questions.empty() || optind != argc ||
        options.in_flight_each() > kMostInFlight) {
        usage();
    }
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    const load::Options options = parse(argc, argv);
    load::Questions questions(options.questions);
    load::Totals totals(questions, options.check, options.pids);
    if (options.mode == "udp") {
        load::run_udp(options, questions, totals);
    } else if (options.mode == "tcp") {
        load::run_tcp(options, questions, totals);
    } else if (options.mode == "tcp-connect") {
        load::run_tcp_connect(options, questions, totals);
    } else {
        usage();
    }
    totals.print();
    return totals.answers() == 0 ? 1 : 0;
}
