#include "server/syscall_filter.h"

#include <atomic>
#include <bit>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <linux/netlink.h>
#include <memory>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <system_error>
#include <ucontext.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KERYX_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KERYX_SANITIZED 1
#endif

namespace server {
namespace {

// clang-format off
/// With whatever arguments.
constexpr int kAllowed[] = {
    // Files: Corefile, manifests, credentials, snapshot, pid file, /proc.
    SCMP_SYS(access), SCMP_SYS(close), SCMP_SYS(dup), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
    SCMP_SYS(fadvise64), SCMP_SYS(fcntl), SCMP_SYS(fdatasync), SCMP_SYS(fstat), SCMP_SYS(fstatfs),
    SCMP_SYS(fsync), SCMP_SYS(ftruncate), SCMP_SYS(getcwd), SCMP_SYS(getdents64),
    SCMP_SYS(inotify_add_watch), SCMP_SYS(inotify_init1), SCMP_SYS(inotify_rm_watch),
    SCMP_SYS(lseek), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(open), SCMP_SYS(openat),
    SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(read), SCMP_SYS(readlink),
    SCMP_SYS(readlinkat), SCMP_SYS(readv), SCMP_SYS(rename), SCMP_SYS(renameat),
    SCMP_SYS(renameat2), SCMP_SYS(stat), SCMP_SYS(statfs), SCMP_SYS(statx), SCMP_SYS(umask),
    SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(write), SCMP_SYS(writev),
    // Sockets; socket(2) itself has a rule of its own.
    SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(bind), SCMP_SYS(connect),
    SCMP_SYS(getpeername), SCMP_SYS(getsockname), SCMP_SYS(getsockopt), SCMP_SYS(listen),
    SCMP_SYS(recvfrom), SCMP_SYS(recvmmsg), SCMP_SYS(recvmsg), SCMP_SYS(sendmmsg),
    SCMP_SYS(sendmsg), SCMP_SYS(sendto), SCMP_SYS(setsockopt), SCMP_SYS(shutdown),
    // Waiting, clocks, signals.
    SCMP_SYS(clock_getres), SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep),
    SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_wait), SCMP_SYS(eventfd2), SCMP_SYS(gettimeofday),
    SCMP_SYS(nanosleep), SCMP_SYS(pipe2), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(pselect6),
    SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigtimedwait), SCMP_SYS(select), SCMP_SYS(sigaltstack),
    SCMP_SYS(time),
    // Memory; mmap(2) and mprotect(2) have rules of their own.
    SCMP_SYS(brk), SCMP_SYS(madvise), SCMP_SYS(mremap), SCMP_SYS(munmap),
    // Threads and the process; clone(2) has a rule of its own.
    SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(futex), SCMP_SYS(get_robust_list),
    SCMP_SYS(getrandom), SCMP_SYS(gettid), SCMP_SYS(membarrier), SCMP_SYS(rseq),
    SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_yield), SCMP_SYS(set_robust_list),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(capget), SCMP_SYS(capset),  // net_bind.h
    SCMP_SYS(getcpu), SCMP_SYS(getegid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getpid),
    SCMP_SYS(getppid), SCMP_SYS(getrlimit), SCMP_SYS(getrusage), SCMP_SYS(getuid),
    SCMP_SYS(sysinfo), SCMP_SYS(times), SCMP_SYS(uname),
};
// clang-format on

/// Bits of the numbers that were refused. Static, since a signal's handler is given nothing.
constinit std::array<std::atomic<std::uint64_t>, 16> refused{};

/// Adds rules until one fails, and remembers that.
class Rules {
  public:
    explicit Rules(scmp_filter_ctx filter) : filter_(filter) {}

    void attribute(scmp_filter_attr attribute, std::uint32_t value) {
        keep(seccomp_attr_set(filter_, attribute, value));
    }
    void allow(int call) { keep(seccomp_rule_add(filter_, SCMP_ACT_ALLOW, call, 0)); }
    void allow_if(int call, const scmp_arg_cmp& argument) {
        keep(seccomp_rule_add_array(filter_, SCMP_ACT_ALLOW, call, 1, &argument));
    }
    void fail(int call, std::uint16_t error) {
        keep(seccomp_rule_add(filter_, SCMP_ACT_ERRNO(error), call, 0));
    }
    void allow_if(int call, const scmp_arg_cmp& one, const scmp_arg_cmp& other) {
        const std::array both{one, other};
        keep(seccomp_rule_add_array(filter_, SCMP_ACT_ALLOW, call, 2, both.data()));
    }
    void load() {
        if (error_ == 0) {
            keep(seccomp_load(filter_));
        }
    }
    int error() const { return error_; }

  private:
    void keep(int result) {
        if (error_ == 0 && result < 0) {
            error_ = -result;
        }
    }
    scmp_filter_ctx filter_;
    int error_ = 0;
};

constexpr scmp_arg_cmp equals(unsigned argument, scmp_datum_t value) {
    return {argument, SCMP_CMP_EQ, value, 0};
}

constexpr scmp_arg_cmp has_bits(unsigned argument, scmp_datum_t mask, scmp_datum_t bits) {
    return {argument, SCMP_CMP_MASKED_EQ, mask, bits};
}

void add_conditional(Rules& rules) {
    for (const int family : {AF_INET, AF_INET6, AF_UNIX}) {
        rules.allow_if(SCMP_SYS(socket), equals(0, static_cast<scmp_datum_t>(family)));
    }
    // getaddrinfo(3) asks which addresses the host has.
    rules.allow_if(SCMP_SYS(socket), equals(0, AF_NETLINK), equals(2, NETLINK_ROUTE));
    // Nothing that is written becomes code.
    for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
        rules.allow_if(call, has_bits(2, PROT_EXEC, 0));
    }
    // Threads, but no process and no namespace. The flags of clone3 lie in memory, which no filter
    // can read: glibc takes clone where it is told that there is no clone3.
    constexpr auto kNever =
        static_cast<scmp_datum_t>(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                  CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_PTRACE);
    rules.allow_if(SCMP_SYS(clone), has_bits(0, kNever | CLONE_THREAD, CLONE_THREAD));
    rules.fail(SCMP_SYS(clone3), ENOSYS);
    rules.allow_if(SCMP_SYS(tgkill), equals(0, static_cast<scmp_datum_t>(getpid())));
    rules.allow_if(SCMP_SYS(prctl), equals(0, PR_SET_NAME));
    rules.allow_if(SCMP_SYS(prlimit64), equals(2, 0));  // to read a limit, not to set one
    // The last is what if_nametoindex() asks, for `bind` of an interface.
    for (const int request : {TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, SIOCGIFINDEX}) {
        rules.allow_if(SCMP_SYS(ioctl), equals(1, static_cast<scmp_datum_t>(request)));
    }
}

#if defined(__x86_64__) || defined(__aarch64__)
[[maybe_unused]] constexpr bool kKnowsRegisters = true;

void refuse_syscall(int /*signal*/, siginfo_t* info, void* context) noexcept {
    auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
    registers.gregs[REG_RAX] = -EPERM;
#else
    registers.regs[0] = static_cast<unsigned long long>(-EPERM);
#endif
    const auto number = static_cast<unsigned>(info->si_syscall);
    refused[number / 64 % refused.size()].fetch_or(std::uint64_t{1} << number % 64,
                                                   std::memory_order_relaxed);
}
#else
constexpr bool kKnowsRegisters = false;
void refuse_syscall(int /*signal*/, siginfo_t* /*info*/, void* /*context*/) noexcept {}
#endif

bool handle_refusals() {
    struct sigaction action {};
    action.sa_sigaction = refuse_syscall;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigset_t mine;
    sigemptyset(&mine);
    sigaddset(&mine, SIGSYS);
    return sigaction(SIGSYS, &action, nullptr) == 0 &&
           pthread_sigmask(SIG_UNBLOCK, &mine, nullptr) == 0;
}

std::string syscall_name(int call) {
    const std::unique_ptr<char, decltype(&std::free)> name(
        seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call), &std::free);
    return (name == nullptr ? "unknown" : name.get()) + (" (" + std::to_string(call)) + ")";
}

}  // namespace

bool has_syscall_filter() {
#if defined(KERYX_SANITIZED)
    return false;
#else
    return kKnowsRegisters;
#endif
}

std::string install_syscall_filter() {
    const std::unique_ptr<void, decltype(&seccomp_release)> filter(seccomp_init(SCMP_ACT_TRAP),
                                                                   &seccomp_release);
    if (filter == nullptr) {
        return "libseccomp does not know this kernel";
    }
    Rules rules(filter.get());
    rules.attribute(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);  // 32 bit code
    // Kernels before 5.16 take seccomp for a sign that foreign code runs here, and slow the whole
    // process down by their means against speculation; none does.
    rules.attribute(SCMP_FLTATR_CTL_SSB, 1);
    for (const int call : kAllowed) {
        if (call >= 0) {  // libseccomp's way to say that this architecture has no such call
            rules.allow(call);
        }
    }
    add_conditional(rules);
    if (rules.error() == 0 && !handle_refusals()) {
        return std::generic_category().message(errno);
    }
    rules.load();
    return rules.error() == 0 ? "" : std::generic_category().message(rules.error());
}

std::vector<std::string> RefusedCalls::take() {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < refused.size(); ++i) {
        std::uint64_t fresh = refused[i].load(std::memory_order_relaxed) & ~told_[i];
        told_[i] |= fresh;
        for (; fresh != 0; fresh &= fresh - 1) {
            names.push_back(syscall_name(static_cast<int>(i * 64) + std::countr_zero(fresh)));
        }
    }
    return names;
}

}  // namespace server
