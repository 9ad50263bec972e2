// Makes calls and casts that are wrong, each in a process of its own, which has to end by SIGILL:
// with -Dcfi=true only, and it fails where the flags are lost. Beside each a right one, which has
// to pass.
#include <csignal>
#include <cstdio>
#include <cstring>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

// Read through a volatile, so that the compiler does not see what is called.
template <class T>
T unseen(T value) {
    volatile T copy = value;
    return copy;
}

struct Sender {
    virtual ~Sender() = default;
    virtual int send() { return 1; }
    int size() { return 1; }
};

struct Narrow : Sender {
    int send() override { return 2; }
    int narrow() { return 2; }
};

struct Stranger {
    virtual ~Stranger() = default;
    virtual int steal() { return 3; }
    int own() { return 3; }
};

int twice(int number) {
    return 2 * number;
}
void forget(const char* /*text*/, long /*size*/) {}

// What memory holds whose table of functions was overwritten by that of another class.
Sender* overwritten(Sender* sender) {
    static Stranger stranger;
    std::memcpy(static_cast<void*>(sender), static_cast<const void*>(&stranger), sizeof(void*));
    return unseen(sender);
}

void call(bool wrong) {
    using Function = int (*)(int);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): it is the mistake
    const auto function =
        wrong ? reinterpret_cast<Function>(reinterpret_cast<void*>(&forget)) : &twice;
    static_cast<void>(unseen(function)(1));
}

void virtual_call(bool wrong) {
    static Narrow sender;
    static_cast<void>((wrong ? overwritten(&sender) : unseen<Sender*>(&sender))->send());
}

void plain_call(bool wrong) {
    static Narrow sender;
    static_cast<void>((wrong ? overwritten(&sender) : unseen<Sender*>(&sender))->size());
}

void call_by_member_pointer(bool wrong) {
    static Narrow sender;
    const auto member = unseen(&Sender::send);
    static_cast<void>(((wrong ? overwritten(&sender) : unseen<Sender*>(&sender))->*member)());
}

void cast_to_derived(bool wrong) {
    static Narrow narrow;
    static Sender sender;
    static_cast<void>(static_cast<Narrow*>(unseen<Sender*>(wrong ? &sender : &narrow))->narrow());
}

void cast_of_unrelated(bool wrong) {
    static Narrow narrow;
    static Stranger stranger;
    void* const object =
        unseen(wrong ? static_cast<void*>(&narrow) : static_cast<void*>(&stranger));
    static_cast<void>(static_cast<Stranger*>(object)->own());
}

// The signal that ended a process which does that, or 0.
int signal_of(void (*act)(bool), bool wrong) {
    const pid_t child = fork();
    if (child == 0) {
        const rlimit no_core{0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        act(wrong);
        _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        return -1;
    }
    return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

struct Case {
    const char* name;
    void (*act)(bool);
};

}  // namespace

int main() {
    const Case cases[] = {
        {"a call through a pointer of another type", call},
        {"a virtual call of another class's object", virtual_call},
        {"a call of a member function of another class's object", plain_call},
        {"a call through a pointer to member", call_by_member_pointer},
        {"a cast to a derived class that it is not", cast_to_derived},
        {"a cast of an unrelated object", cast_of_unrelated},
    };
    int passed = 0;
    int failed = 0;
    for (const Case& each : cases) {
        const int right = signal_of(each.act, false);
        const int wrong = signal_of(each.act, true);
        const bool good = right == 0 && wrong == SIGILL;
        ++(good ? passed : failed);
        std::printf("%s %s: status %d if right, %d if wrong\n", good ? "ok" : "FAIL", each.name,
                    right, wrong);
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
