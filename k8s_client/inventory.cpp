#include "k8s_client/inventory.h"

#include <functional>
#include <utility>

namespace k8s_client {
namespace {

std::string key_of(const ObjectMeta& meta) {
    return meta.ns + '/' + meta.name;
}

ObjectName name_of(const std::string& key) {
    const std::size_t slash = key.find('/');
    return {key.substr(0, slash), key.substr(slash + 1)};
}

std::uint64_t hash_of(const std::string& uid) {
    return std::hash<std::string>{}(uid);
}

}  // namespace

Inventory::Put Inventory::put_entry(const ObjectMeta& meta, bool present, Said said,
                                    bool& was_present) {
    const std::lock_guard lock(mutex_);
    const auto [at, is_new] = entries_.try_emplace(key_of(meta));
    Entry& entry = at->second;
    entry.list = list_;
    was_present = entry.present;
    const std::uint64_t version = meta.resource_version;
    const std::uint64_t uid = hash_of(meta.uid);
    if (!is_new && version != 0 && said != Said::ByTruth) {
        if (version < entry.version && said == Said::ByEvent) {
            return Put::Older;
        }
        if (version == entry.version && uid == entry.uid && present == entry.present) {
            return Put::Same;
        }
    }
    entry.version = version;
    entry.uid = uid;
    entry.present = present;
    return Put::Changed;
}

Inventory::Put Inventory::put(const ObjectMeta& meta, Said said) {
    bool was_present = false;
    return put_entry(meta, true, said, was_present);
}

bool Inventory::put_absent(const ObjectMeta& meta, Said said) {
    bool was_present = false;
    return put_entry(meta, false, said, was_present) == Put::Changed && was_present;
}

bool Inventory::remove(const ObjectMeta& meta) {
    const std::lock_guard lock(mutex_);
    const auto at = entries_.find(key_of(meta));
    if (at == entries_.end() ||
        (meta.resource_version != 0 && meta.resource_version < at->second.version)) {
        return false;
    }
    const bool present = at->second.present;
    if (auditing_) {
        removed_.insert(at->first);
    }
    entries_.erase(at);
    return present;
}

void Inventory::begin_list() {
    const std::lock_guard lock(mutex_);
    ++list_;
}

std::vector<ObjectName> Inventory::end_list() {
    const std::lock_guard lock(mutex_);
    std::vector<ObjectName> vanished;
    std::erase_if(entries_, [&](const auto& known) {
        if (known.second.list == list_) {
            return false;
        }
        if (known.second.present) {
            vanished.push_back(name_of(known.first));
        }
        if (auditing_) {
            removed_.insert(known.first);
        }
        return true;
    });
    return vanished;
}

std::vector<ObjectName> Inventory::clear() {
    begin_list();
    return end_list();
}

std::size_t Inventory::size() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
}

void Inventory::begin_audit() {
    const std::lock_guard lock(mutex_);
    ++audit_;
    auditing_ = true;
    differing_.clear();
    removed_.clear();
}

void Inventory::compare(const ObjectMeta& listed) {
    const std::lock_guard lock(mutex_);
    const std::string key = key_of(listed);
    const std::uint64_t uid = hash_of(listed.uid);
    const auto at = entries_.find(key);
    if (at != entries_.end() && at->second.version == listed.resource_version &&
        at->second.uid == uid) {
        at->second.audit = audit_;
    } else {
        differing_[key] = {listed.resource_version, uid};
    }
}

std::vector<std::string> Inventory::differences(std::uint64_t list_version) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> lost;
    for (const auto& [key, listed] : differing_) {
        const auto at = entries_.find(key);
        if (at == entries_.end()) {
            if (!removed_.contains(key)) {
                lost.push_back(key);  // its creation
            }
        } else if (at->second.version <= list_version &&
                   (at->second.version != listed.version || at->second.uid != listed.uid)) {
            lost.push_back(key);  // a change
        }
    }
    for (const auto& [key, entry] : entries_) {
        if (entry.audit != audit_ && entry.version <= list_version && !differing_.contains(key)) {
            lost.push_back(key);  // its deletion
        }
    }
    return lost;
}

void Inventory::end_audit() {
    const std::lock_guard lock(mutex_);
    auditing_ = false;
    differing_.clear();
    removed_.clear();
}

}  // namespace k8s_client
