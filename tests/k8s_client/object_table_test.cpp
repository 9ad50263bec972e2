#include "k8s_client/object_table.h"

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "k8s_client/object_kinds.h"

using namespace k8s_client;
using Strings = std::vector<std::string>;

namespace {

Service labelled_service(const std::string& ns, const std::string& name, Labels labels = {}) {
    Service made;
    made.meta = {ns, name, std::move(labels)};
    return made;
}

Namespace named_namespace(const std::string& name, Labels labels = {}) {
    return Namespace{{"", name, std::move(labels)}};
}

NamedContent file(const std::string& name, const std::vector<Object>& objects) {
    ManifestContent content;
    for (const Object& object : objects) {
        content.objects.push_back({object, content.objects.size() + 1});
    }
    return {name, std::make_shared<const ManifestContent>(std::move(content))};
}

/// `+Service default/a` or `-Service default/a`, in order.
Strings told_changes(const ObjectTable::Difference& difference) {
    Strings lines;
    for (const Change& change : difference.changes) {
        const char* sign = change.type == Change::Type::Applied ? "+" : "-";
        lines.push_back(sign + full_name_of(change.object));
    }
    return lines;
}

LabelSelector selector(const std::string& text) {
    return LabelSelector::parse(text).value();
}

}  // namespace

TEST_CASE("only differences are told") {
    ObjectTable table({}, {});
    const Object a = labelled_service("n", "a");
    const Object b = labelled_service("n", "b");
    CHECK(told_changes(table.replace({file("f", {a, b})})) ==
          Strings{"+Namespace n", "+Service n/a", "+Service n/b"});
    CHECK(told_changes(table.replace({file("f", {a, b})})).empty());
    CHECK(told_changes(table.replace({file("g", {b}), file("h", {a})})).empty());
    Service changed = labelled_service("n", "b");
    changed.publish_not_ready_addresses = true;
    CHECK(told_changes(table.replace({file("f", {a, changed})})) == Strings{"+Service n/b"});
    CHECK(told_changes(table.replace({file("f", {changed})})) == Strings{"-Service n/a"});
    CHECK(told_changes(table.replace({})) == Strings{"-Namespace n", "-Service n/b"});
    CHECK(told_changes(table.replace(
              {file("f", {Pod{{"n", "a", {}}, ""}, Endpoints{{"n", "a", {}}, {}}})})) ==
          Strings{"+Namespace n", "+Endpoints n/a", "+Pod n/a"});
}

TEST_CASE("of the same object twice the last one counts, with one message") {
    ObjectTable table({}, {});
    Service first = labelled_service("n", "a");
    Service last = labelled_service("n", "a");
    last.external_name = "last";
    const auto both = {file("1.yaml", {first}), file("2.yaml", {Pod{{"n", "x", {}}, ""}, last})};
    const auto difference = table.replace(both);
    CHECK(std::get<Service>(difference.changes.at(1).object).external_name == "last");
    CHECK(difference.duplicates ==
          Strings{"Service n/a is given twice, in 1.yaml document 1 and in "
                  "2.yaml document 2: the latter counts"});
    CHECK(table.replace(both).duplicates.empty());
    CHECK(told_changes(table.replace({file("1.yaml", {first})})) ==
          Strings{"+Service n/a", "-Pod n/x"});
    CHECK(table.replace(both).duplicates.size() == 1);
}

TEST_CASE("the same name in another kind or namespace is another object") {
    ObjectTable table({}, {});
    const auto difference =
        table.replace({file("f", {labelled_service("m", "a"), labelled_service("n", "a"),
                                  Endpoints{{"n", "a", {}}, {}}})});
    CHECK(difference.duplicates.empty());
    CHECK(difference.changes.size() == 5);
}

TEST_CASE("without a Namespace object, what lives in a namespace makes it exist") {
    ObjectTable table(selector("app=x"), {});
    const auto difference =
        table.replace({file("f", {Pod{{"p", "a", {}}, ""}, labelled_service("s", "a"),
                                  labelled_service("t", "a", {{"app", "x"}})})});
    CHECK(told_changes(difference) ==
          Strings{"+Namespace p", "+Namespace s", "+Namespace t", "+Service t/a"});
    CHECK(meta_of(difference.changes.front().object).labels ==
          Labels{{"kubernetes.io/metadata.name", "p"}});
    CHECK(told_changes(table.replace({file("f", {labelled_service("s", "b")})})) ==
          Strings{"-Namespace p", "-Namespace t", "-Service t/a"});
}

TEST_CASE("with a Namespace object, exactly those exist that are given and selected") {
    ObjectTable table({}, selector("env=prod"));
    CHECK(told_changes(
              table.replace({file("f", {labelled_service("s", "a"), named_namespace("n")})})) ==
          Strings{"+Service s/a"});
    CHECK(told_changes(table.replace(
              {file("f", {labelled_service("s", "a"), named_namespace("n", {{"env", "prod"}}),
                          named_namespace("m", {{"env", "test"}})})})) == Strings{"+Namespace n"});
    CHECK(told_changes(table.replace({file("f", {labelled_service("s", "a")})})) ==
          Strings{"-Namespace n"});
}

TEST_CASE("namespace_labels sees the name of an implied namespace") {
    ObjectTable table({}, selector("kubernetes.io/metadata.name in (a,c)"));
    CHECK(told_changes(table.replace(
              {file("f", {labelled_service("a", "x"), labelled_service("b", "x")})})) ==
          Strings{"+Namespace a", "+Service a/x", "+Service b/x"});
}

TEST_CASE("labels selects each object by its own labels, but no Namespace") {
    ObjectTable table(selector("tier=front"), {});
    const Labels front = {{"tier", "front"}};
    EndpointSlice slice;
    slice.meta = {"n", "s", front};
    EndpointSlice other;
    other.meta = {"n", "o", {{"tier", "back"}}};
    CHECK(told_changes(table.replace({file(
              "f", {labelled_service("n", "a", front), labelled_service("n", "b"), slice, other,
                    named_namespace("n"), Pod{{"n", "p", front}, ""}, Pod{{"n", "q", {}}, ""},
                    Endpoints{{"n", "e", front}, {}}, Endpoints{{"n", "f", {}}, {}}})})) ==
          Strings{"+Namespace n", "+Service n/a", "+EndpointSlice n/s", "+Endpoints n/e",
                  "+Pod n/p"});
}

TEST_CASE("a deletion needs kind, namespace and name only") {
    ObjectTable table({}, {});
    Service full = labelled_service("n", "a", {{"x", "y"}});
    full.cluster_ips = {"10.0.0.1"};
    table.replace({file("f", {full})});
    const auto difference = table.replace({});
    CHECK(difference.changes.back().object == Object(labelled_service("n", "a")));
}

TEST_CASE("counts read as English") {
    CHECK(count_of(1, "Service") == "1 Service");
    CHECK(count_of(2, "Service") == "2 Services");
    CHECK(count_of(3, "Endpoints") == "3 Endpoints");
    CHECK(count_of(2, "Ingress") == "2 Ingresses");
    CHECK(count_of(0, "NetworkPolicy") == "0 NetworkPolicies");
    CHECK(count_of(2, "Gateway") == "2 Gateways");
}
