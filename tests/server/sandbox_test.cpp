#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <functional>
#include <linux/netlink.h>
#include <memory>
#include <netdb.h>
#include <sched.h>
#include <string>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

#include "server/capabilities.h"
#include "server/privileges.h"
#include "server/syscall_filter.h"

using namespace server;

namespace {

/// What a child process found wrong; none of what it gives up comes back.
class Findings {
  public:
    explicit Findings(int to) : to_(to) {}
    void expect(bool right, const std::string& what) const {
        if (!right) {
            const std::string line = what + "; ";
            (void)!write(to_, line.data(), line.size());
        }
    }

  private:
    int to_;
};

/// Runs `body` in a child process; what it found, or how it died. Empty: all is well.
std::string in_child(const std::function<void(const Findings&)>& body) {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        body(Findings(ends[1]));
        _exit(0);
    }
    close(ends[1]);
    std::string found;
    char buffer[512];
    for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) > 0;) {
        found.append(buffer, static_cast<std::size_t>(n));
    }
    close(ends[0]);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    if (status != 0) {
        found += "status " + std::to_string(status);
    }
    return found;
}

bool can_filter() {
    if (!has_syscall_filter()) {
        MESSAGE("skipped: this build has no filter of system calls");
    }
    return has_syscall_filter();
}

/// A child process behind the filter.
std::string behind_filter(const std::function<void(const Findings&)>& body) {
    return in_child([&](const Findings& findings) {
        const std::string why = install_syscall_filter();
        findings.expect(why.empty(), "not installed: " + why);
        if (why.empty()) {
            body(findings);
        }
    });
}

/// Whether a call that returned `result` was refused by the filter.
bool refused(long result, int error = EPERM) {
    return result == -1 && errno == error;
}

void* map(int protection) {
    return mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

}  // namespace

TEST_CASE("system calls: what is on no list fails, and is told of once") {
    if (!can_filter()) {
        return;
    }
    CHECK(behind_filter([](const Findings& findings) {
              RefusedCalls calls;
              findings.expect(calls.take().empty(), "told before anything happened");
              // Without the filter it would be ENOENT.
              findings.expect(refused(mkdirat(AT_FDCWD, "/nosuch/folder", 0700)), "mkdirat");
              const std::string name = "mkdirat (" + std::to_string(SYS_mkdirat) + ")";
              findings.expect(calls.take() == std::vector{name}, "not told of mkdirat");
              findings.expect(refused(mkdirat(AT_FDCWD, "/nosuch/folder", 0700)), "the second");
              findings.expect(calls.take().empty(), "told twice");
              findings.expect(refused(syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0)), "ptrace");
              findings.expect(calls.take().size() == 1, "not told of another");
          }) == "");
}

TEST_CASE("system calls: nothing is started, traced, mounted or made code") {
    if (!can_filter()) {
        return;
    }
    CHECK(behind_filter([](const Findings& findings) {
              char* const none[] = {nullptr};
              findings.expect(refused(execve("/bin/true", none, none)), "execve");
              findings.expect(refused(fork()), "fork");
              findings.expect(refused(syscall(SYS_clone3, nullptr, 0), ENOSYS), "clone3");
              findings.expect(refused(unshare(CLONE_NEWUSER)), "unshare");
              findings.expect(refused(mount("none", "/nosuch", "tmpfs", 0, nullptr)), "mount");
              findings.expect(refused(kill(getppid(), 0)), "kill");
              findings.expect(refused(syscall(SYS_tgkill, getppid(), getppid(), 0)), "tgkill");
              findings.expect(refused(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)), "prctl");
              constexpr rlimit kLimit{1, 1};
              findings.expect(refused(setrlimit(RLIMIT_CORE, &kLimit)), "setrlimit");
              findings.expect(refused(syscall(SYS_setuid, 0)), "setuid");
              findings.expect(refused(syscall(SYS_memfd_create, "x", 0)), "memfd_create");
              findings.expect(refused(syscall(SYS_bpf, 0, nullptr, 0)), "bpf");
              findings.expect(refused(syscall(SYS_process_vm_readv, getppid(), 0, 0, 0, 0, 0)),
                              "process_vm_readv");
              findings.expect(map(PROT_READ | PROT_EXEC) == MAP_FAILED && errno == EPERM, "mmap");
              void* const page = map(PROT_READ | PROT_WRITE);
              findings.expect(page != MAP_FAILED, "memory");
              findings.expect(refused(mprotect(page, 4096, PROT_READ | PROT_EXEC)), "mprotect");
          }) == "");
}

TEST_CASE("system calls: sockets of the kinds that are needed") {
    if (!can_filter()) {
        return;
    }
    CHECK(behind_filter([](const Findings& findings) {
              for (const int family : {AF_INET, AF_INET6, AF_UNIX}) {
                  // A host without IPv6 has an errno of its own.
                  findings.expect(!refused(socket(family, SOCK_DGRAM, 0)),
                                  "family " + std::to_string(family));
              }
              findings.expect(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) >= 0, "netlink");
              findings.expect(refused(socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT)), "audit");
              findings.expect(refused(socket(AF_PACKET, SOCK_RAW, 0)), "packet");
              findings.expect(refused(socket(AF_ALG, SOCK_SEQPACKET, 0)), "alg");
          }) == "");
}

TEST_CASE("system calls: threads, files and look-ups work, and threads have the filter") {
    if (!can_filter()) {
        return;
    }
    CHECK(behind_filter([](const Findings& findings) {
              bool inside = false;
              std::thread([&] {
                  const std::vector<char> memory(std::size_t{1} << 20);
                  inside = refused(syscall(SYS_setsid)) && !memory.empty();
              }).join();
              findings.expect(inside, "a thread");
              addrinfo* found = nullptr;
              addrinfo hints{};
              hints.ai_flags = AI_ADDRCONFIG;
              findings.expect(getaddrinfo("localhost", "53", &hints, &found) == 0, "localhost");
              findings.expect(access("/proc/self/stat", R_OK) == 0, "/proc/self/stat");
              const auto calls = RefusedCalls().take();
              findings.expect(calls.size() == 1, "more was refused than setsid: " + calls.back());
          }) == "");
}

TEST_CASE("privileges: no capability but net_bind_service, and that only permitted") {
    CHECK(in_child([](const Findings& findings) {
              Capabilities before, after;
              findings.expect(before.read(), "capget");
              const auto lines = give_up_privileges();
              findings.expect(lines.empty(), lines.empty() ? "" : lines.front());
              findings.expect(after.read(), "capget");
              constexpr unsigned kNetBind = CAP_TO_MASK(CAP_NET_BIND_SERVICE);
              findings.expect(after.sets[0].permitted == (before.sets[0].permitted & kNetBind),
                              "permitted");
              findings.expect(after.sets[1].permitted == 0, "permitted beyond 32");
              for (const auto& set : after.sets) {
                  findings.expect(set.effective == 0, "effective");
                  findings.expect(set.inheritable == 0, "inheritable");
              }
              findings.expect(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, "no_new_privs");
              if ((before.sets[0].effective & CAP_TO_MASK(CAP_SETPCAP)) != 0) {
                  findings.expect(prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 0, "bounding");
              }
          }) == "");
}

TEST_CASE("privileges: a process that has none is left as it is, without a word") {
    CHECK(in_child([](const Findings& findings) {
              if (geteuid() == 0) {
                  findings.expect(setresgid(65532, 65532, 65532) == 0, "setresgid");
                  findings.expect(setresuid(65532, 65532, 65532) == 0, "setresuid");
              }
              findings.expect(give_up_privileges().empty(), "something is said");
              findings.expect(hide_memory().empty(), "something is said of memory");
          }) == "");
}

TEST_CASE("privileges: memory is hidden, and /proc/self can still be read") {
    CHECK(in_child([](const Findings& findings) {
              if (geteuid() == 0) {  // files of /proc/self belong to root from then on
                  findings.expect(setresuid(65532, 65532, 65532) == 0, "setresuid");
              }
              findings.expect(hide_memory().empty(), "something is said");
              rlimit core{1, 1};
              findings.expect(getrlimit(RLIMIT_CORE, &core) == 0, "getrlimit");
              findings.expect(core.rlim_cur == 0 && core.rlim_max == 0, "core files");
              findings.expect(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0, "dumpable");
              findings.expect(access("/proc/self/stat", R_OK) == 0, "/proc/self/stat");
              const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"), closedir);
              findings.expect(folder != nullptr && readdir(folder.get()) != nullptr, "self/fd");
          }) == "");
}
