#include "k8s_client/audit.h"

#include <algorithm>
#include <string>
#include <vector>

namespace k8s_client {
namespace {

constexpr std::chrono::seconds kSilence{30};
/// Bookmarks come about once a minute; a watch that has not passed by then is behind.
constexpr std::chrono::seconds kMaxWait{150};

class CompareReceiver : public ObjectReceiver {
  public:
    explicit CompareReceiver(Inventory& inventory) : inventory_(inventory) {}

    void take(Object, std::size_t) override {}
    void skip(const std::string&) override {}
    void pass_over(std::string_view) override {}
    bool take_meta(const ObjectMeta& listed) override {
        inventory_.compare(listed);
        return true;
    }
    void end_list(const ListMeta& list) override { meta = list; }

    ListMeta meta;

  private:
    Inventory& inventory_;
};

std::string names_of(const std::vector<std::string>& lost) {
    constexpr std::size_t kShown = 5;
    std::string names;
    for (std::size_t i = 0; i < std::min(lost.size(), kShown); ++i) {
        names += (i == 0 ? "" : ", ") + lost[i];
    }
    return names + (lost.size() > kShown ? " ..." : "");
}

}  // namespace

/// Of metadata only, where the server can: the list is consistent, in pages, and as old as its
/// first page
/// (https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables).
bool Audit::list(Reflector& reflector, std::uint64_t& version) {
    HttpRequest request;
    request.accept =
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
    request.idle_limit = kSilence;
    std::string continue_token;
    do {
        request.target =
            page_target(reflector.resource(), reflector.selection(), kPageSize, continue_token);
        CompareReceiver receiver(reflector.inventory());
        const auto pass = gate_.enter(RequestGate::Kind::Other, stop_);
        const Ending ending = get_document(http_, request, receiver, heartbeat_);
        if (ending.kind != Ending::Kind::Complete || receiver.meta.resource_version == 0) {
            return false;
        }
        version = receiver.meta.resource_version;
        continue_token = receiver.meta.continue_token;
    } while (!continue_token.empty());
    return true;
}

bool Audit::wait_for_watch(const Reflector& reflector, std::uint64_t version) {
    constexpr std::chrono::milliseconds kLook{50};
    const auto deadline = std::chrono::steady_clock::now() + kMaxWait;
    while (reflector.version() < version && std::chrono::steady_clock::now() < deadline) {
        if (stop_.wait_for(kLook)) {
            return false;
        }
    }
    return true;
}

/// What differs may still be on its way to the watch; what still differs when that has passed the
/// list was lost.
std::vector<std::string> Audit::find_lost(Reflector& reflector, std::uint64_t version) {
    const Inventory& inventory = reflector.inventory();
    if (inventory.differences(version).empty() || !wait_for_watch(reflector, version)) {
        return {};
    }
    return inventory.differences(version);
}

std::size_t Audit::check(Reflector& reflector) {
    const std::uint64_t begun_at = reflector.version();
    if (begun_at == 0) {
        return 0;  // not listed yet
    }
    std::uint64_t version = 0;
    std::vector<std::string> lost;
    reflector.inventory().begin_audit();
    const bool complete = list(reflector, version);
    if (complete && version >= begun_at) {
        lost = find_lost(reflector, version);
    }
    reflector.inventory().end_audit();
    if (complete && version < begun_at) {
        reflector.ask_for_relist();  // it finds out that the versions went back
    } else if (!lost.empty()) {
        journal_.write(Journal::Level::Warning, std::string(reflector.resource().plural) +
                                                    ": the watch had lost changes of " +
                                                    std::to_string(lost.size()) + " objects (" +
                                                    names_of(lost) + "): listing again");
        reflector.ask_for_relist();
    }
    return lost.size();
}

}  // namespace k8s_client
