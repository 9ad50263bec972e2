#include "k8s_client/inventory.h"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace k8s_client;

namespace {

ObjectMeta meta(const std::string& name, std::uint64_t version, const std::string& uid = "u") {
    ObjectMeta made;
    made.ns = "n";
    made.name = name;
    made.uid = uid;
    made.resource_version = version;
    return made;
}

std::vector<std::string> names(const std::vector<ObjectName>& objects) {
    std::vector<std::string> out;
    for (const ObjectName& object : objects) {
        out.push_back(object.ns + "/" + object.name);
    }
    std::sort(out.begin(), out.end());
    return out;
}

std::vector<std::string> sorted(std::vector<std::string> lines) {
    std::sort(lines.begin(), lines.end());
    return lines;
}

using Names = std::vector<std::string>;
using Put = Inventory::Put;
using Said = Inventory::Said;

}  // namespace

TEST_CASE("inventory: a version is new, the same or older") {
    Inventory known;
    CHECK(known.put(meta("a", 5), Said::ByEvent) == Put::Changed);
    CHECK(known.put(meta("a", 5), Said::ByEvent) == Put::Same);
    CHECK(known.put(meta("a", 4), Said::ByEvent) == Put::Older);
    CHECK(known.put(meta("a", 5), Said::ByList) == Put::Same);
    CHECK(known.put(meta("a", 5), Said::ByTruth) == Put::Changed);
    CHECK(known.put(meta("a", 4), Said::ByList) == Put::Changed);  // the list knows better
    CHECK(known.put(meta("a", 4, "another"), Said::ByEvent) == Put::Changed);
    CHECK(known.put(meta("a", 6, "another"), Said::ByEvent) == Put::Changed);
    CHECK(known.put(meta("b", 0), Said::ByEvent) == Put::Changed);
    CHECK(known.put(meta("b", 0), Said::ByEvent) == Put::Changed);  // no version says nothing
}

TEST_CASE("inventory: removed, absent, vanished") {
    Inventory known;
    known.put(meta("a", 5), Said::ByEvent);
    known.put(meta("b", 6), Said::ByEvent);
    CHECK_FALSE(known.remove(meta("a", 4)));
    CHECK_FALSE(known.remove(meta("x", 9)));
    CHECK(known.remove(meta("a", 5)));
    CHECK_FALSE(known.remove(meta("a", 5)));
    CHECK(known.put_absent(meta("b", 7), Said::ByEvent));
    CHECK_FALSE(known.put_absent(meta("b", 8), Said::ByEvent));
    CHECK_FALSE(known.remove(meta("b", 9)));

    known.put(meta("c", 10), Said::ByEvent);
    known.put(meta("d", 11), Said::ByEvent);
    known.put_absent(meta("e", 12), Said::ByEvent);
    known.begin_list();
    known.put(meta("c", 10), Said::ByEvent);
    CHECK(names(known.end_list()) == Names{"n/d"});
    CHECK(known.size() == 1);
    CHECK(names(known.clear()) == Names{"n/c"});
    CHECK(known.size() == 0);
}

TEST_CASE("an audit finds lost changes, creations and deletions") {
    Inventory known;
    known.put(meta("same", 5), Said::ByEvent);
    known.put(meta("changed", 6), Said::ByEvent);
    known.put(meta("deleted", 7), Said::ByEvent);
    known.put(meta("again", 8, "old"), Said::ByEvent);
    known.begin_audit();
    known.compare(meta("same", 5));
    known.compare(meta("changed", 16));
    known.compare(meta("created", 17));
    known.compare(meta("again", 8, "new"));
    CHECK(sorted(known.differences(20)) == Names{"n/again", "n/changed", "n/created", "n/deleted"});
}

TEST_CASE("what happens while an audit runs is not lost") {
    Inventory known;
    known.put(meta("late", 5), Said::ByEvent);
    known.put(meta("later", 6), Said::ByEvent);
    known.put(meta("gone", 7), Said::ByEvent);
    known.begin_audit();
    known.compare(meta("late", 15));  // its event is still under way
    known.compare(meta("later", 6));
    known.compare(meta("created", 16));  // so is this one's
    known.compare(meta("gone", 7));
    known.compare(meta("brief", 18));
    known.put(meta("late", 15), Said::ByEvent);
    known.put(meta("created", 16), Said::ByEvent);
    known.put(meta("later", 21), Said::ByEvent);  // after the list
    known.put(meta("new", 22), Said::ByEvent);
    known.remove(meta("gone", 23));
    known.put(meta("brief", 18), Said::ByEvent);
    known.remove(meta("brief", 24));
    CHECK(known.differences(20) == Names{});
}

TEST_CASE("what a relist removes while an audit runs is not lost") {
    Inventory known;
    known.put(meta("a", 5), Said::ByEvent);
    known.begin_audit();
    known.compare(meta("a", 6));
    known.begin_list();
    CHECK(names(known.end_list()) == Names{"n/a"});
    CHECK(known.differences(20) == Names{});
}
