// Which objects of one resource are known, and in which version: what a relist is compared with.
// Knows names, versions and uids; keeps no objects. The reflector's thread changes it, the audit's
// thread compares; both through the lock inside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "k8s_client/objects.h"

namespace k8s_client {

struct ObjectName {
    std::string ns;
    std::string name;
};

class Inventory {
  public:
    enum class Put {
        Changed,  // new, or another version
        Same,     // known in just this version
        Older,    // known in a newer version, which stays
    };
    /// Who says that an object is in a version.
    enum class Said {
        ByEvent,  // a lower version than the one known is older
        ByList,   // as a whole not older than what is known: each version in it counts
        ByTruth,  // a consistent list, asked for because something is amiss: after a restore of
                  // etcd an equal version may be another state
    };
    /// The object is to be known to DNS.
    Put put(const ObjectMeta& meta, Said said);
    /// The object is there, but not for DNS. True if it was for DNS before.
    bool put_absent(const ObjectMeta& meta, Said said);
    /// True if it is to be deleted: false if unknown, absent, or known in a newer version.
    bool remove(const ObjectMeta& meta);

    /// A list begins: what put() does not name until end_list() has vanished, and is returned.
    void begin_list();
    std::vector<ObjectName> end_list();
    /// Forgets all; returns those that were present.
    std::vector<ObjectName> clear();

    std::size_t size() const;

    /// A comparison with a list of what is true begins.
    void begin_audit();
    /// An object of that list.
    void compare(const ObjectMeta& listed);
    /// Names in which memory differs from the list of version `list_version`, as far as is known:
    /// what changed after the list does not count, what changed before may still be under way.
    std::vector<std::string> differences(std::uint64_t list_version) const;
    void end_audit();

  private:
    struct Entry {
        std::uint64_t version = 0;
        std::uint64_t uid = 0;    // a hash
        std::uint32_t list = 0;   // the last list that named it
        std::uint32_t audit = 0;  // the last audit whose list had it just so
        bool present = false;
    };
    struct Listed {
        std::uint64_t version = 0;
        std::uint64_t uid = 0;
    };

    Put put_entry(const ObjectMeta& meta, bool present, Said said, bool& was_present);

    mutable std::mutex mutex_;
    // Trees, since tenants choose the names: std::hash has no key, and they could collide.
    std::map<std::string, Entry> entries_;  // by "namespace/name"
    std::uint32_t list_ = 0;
    std::uint32_t audit_ = 0;
    bool auditing_ = false;
    std::map<std::string, Listed> differing_;  // while auditing
    std::set<std::string> removed_;            // while auditing
};

}  // namespace k8s_client
