#include "server/privileges.h"

#include <cerrno>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <system_error>

#include "server/capabilities.h"

namespace server {
namespace {

constexpr unsigned long kNetBind = CAP_NET_BIND_SERVICE;

class Refusals {
  public:
    void note_unless(bool done, const std::string& what) {
        if (!done) {
            lines.push_back(what + ": " + std::generic_category().message(errno));
        }
    }
    std::vector<std::string> lines;
};

/// Nothing is said where it may not: then the set is what the container's runtime made it.
void shrink_bounding_set() {
    for (unsigned long capability = 0;; ++capability) {
        const int has = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
        if (has < 0) {
            return;  // the kernel knows no more of them
        }
        if (has == 1 && capability != kNetBind) {
            (void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
        }
    }
}

bool keep_net_bind_only() {
    Capabilities capabilities;
    if (!capabilities.read()) {
        return false;
    }
    for (auto& set : capabilities.sets) {
        set.effective = 0;
        set.inheritable = 0;
        set.permitted &=
            &set == &capabilities.sets[CAP_TO_INDEX(kNetBind)] ? CAP_TO_MASK(kNetBind) : 0U;
    }
    return capabilities.write();
}

}  // namespace

std::vector<std::string> give_up_privileges() {
    Refusals refusals;
    shrink_bounding_set();  // first: it takes CAP_SETPCAP
    // Kernels before 4.3 have no ambient set, and say EINVAL.
    refusals.note_unless(
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 || errno == EINVAL,
        "cannot clear the ambient capabilities");
    refusals.note_unless(keep_net_bind_only(), "cannot give up capabilities");
    refusals.note_unless(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "cannot set no_new_privs");
    return refusals.lines;
}

std::vector<std::string> hide_memory() {
    Refusals refusals;
    constexpr rlimit kNone{0, 0};
    refusals.note_unless(setrlimit(RLIMIT_CORE, &kNone) == 0, "cannot switch core dumps off");
    refusals.note_unless(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0,
                         "cannot hide the memory from other processes");
    return refusals.lines;
}

}  // namespace server
