// Which Services the page lists, in which order, and how they are cut into pages.
#include "server/service_list.h"

#include <doctest/doctest.h>

#include "server/cluster.h"
#include "tests/server/blocks.h"
#include "tests/server/objects.h"

using namespace server::testing;
using server::Cluster;
using server::ClusterServices;
using server::list_services;
using server::ServiceFilter;
using server::ServicePage;

namespace {

struct Listed {
    Cluster cluster{kubernetes({"cluster.local"}).options, {}, zones::HashKey{}};

    explicit Listed(const std::vector<Change>& changes) {
        cluster.apply(std::vector{namespace_object("prod"), namespace_object("test")});
        cluster.apply(changes);
        cluster.synced();
    }
    ServicePage list(const ServiceFilter& filter = {}) const {
        return list_services({{"cluster.local.", cluster.published().value()}}, filter);
    }
    std::vector<std::string> names(const ServiceFilter& filter) const {
        std::vector<std::string> names;
        for (const auto& row : list(filter).rows) {
            names.push_back(row.ns + "/" + row.name);
        }
        return names;
    }
};

using Names = std::vector<std::string>;

const std::vector<Change> kMixed = {
    cluster_ip("test", "web", "10.96.0.20"),
    cluster_ip("prod", "web", "10.96.0.10"),
    endpoints("prod", "web", {"10.244.0.1", "10.244.0.2"}),
    headless("prod", "db"),
    external_name("prod", "outside", "www.example.com"),
};

}  // namespace

TEST_CASE("services are listed by namespace and name, with what they are") {
    using Kind = zones::ServiceRecords::Kind;
    const ServicePage page = Listed(kMixed).list();
    REQUIRE(page.rows.size() == 4);
    CHECK(page.all == 4);
    CHECK(page.matching == 4);
    CHECK(page.first() == 1);
    CHECK(page.rows[0].name == "db");
    CHECK(page.rows[0].kind == Kind::Headless);
    CHECK(page.rows[0].ready == 0);
    CHECK(page.rows[1].name == "outside");
    CHECK(page.rows[1].kind == Kind::ExternalName);
    CHECK(page.rows[1].target == "www.example.com.");
    CHECK(page.rows[2].ns == "prod");
    CHECK(page.rows[2].cluster_ips == Names{"10.96.0.10"});
    CHECK(page.rows[2].ready == 2);
    CHECK(page.rows[2].endpoints == 2);
    CHECK(page.rows[2].answered);
    CHECK(page.rows[3].ns == "test");
}

TEST_CASE("words of the filter are parts of names, or beginnings of addresses") {
    const Listed listed(kMixed);
    CHECK(listed.names({.words = "WEB"}) == Names{"prod/web", "test/web"});
    CHECK(listed.names({.words = "web.prod"}) == Names{"prod/web"});
    CHECK(listed.names({.words = "prod/web"}) == Names{"prod/web"});
    CHECK(listed.names({.words = " web,\ttest "}) == Names{"test/web"});
    CHECK(listed.names({.words = "10.96.0.2"}) == Names{"test/web"});
    CHECK(listed.names({.words = "96.0"}).empty());
    CHECK(listed.names({.words = "<b>"}).empty());
    CHECK(listed.list({.words = "nothing"}).all == 4);
    CHECK(listed.list({.words = "nothing"}).first() == 0);
}

TEST_CASE("those with endpoints missing") {
    CHECK(Listed(kMixed).names({.troubled = true}) == Names{"prod/db", "test/web"});
    CHECK(Listed(kMixed).list().troubled == 2);
}

TEST_CASE("pods that are not ready count as endpoints, those of two families once") {
    const auto slice = [](const std::string& name, const std::vector<std::string>& ready,
                          const std::vector<std::string>& others) {
        auto endpoints = support::endpoints_at(ready);
        for (const std::string& address : others) {
            endpoints.push_back(support::make_endpoint(address, "", false));
        }
        return support::applied(
            support::make_slice("prod", name, "web", endpoints, {{"http", "TCP", 8080}}));
    };
    const auto page = Listed({cluster_ip("prod", "web", "10.96.0.10"),
                              slice("web-4", {"10.244.0.1"}, {"10.244.0.2", "10.244.0.3"}),
                              slice("web-6", {"fd00::1"}, {"fd00::2", "fd00::3"})})
                          .list({.troubled = true});
    REQUIRE(page.rows.size() == 1);
    CHECK(page.rows[0].ready == 1);
    CHECK(page.rows[0].endpoints == 3);
}

TEST_CASE("2,000 services come in pages, each once") {
    std::vector<Change> changes;
    for (int i = 0; i < 2000; ++i) {
        changes.push_back(cluster_ip(i % 2 == 0 ? "prod" : "test", "s" + std::to_string(i), ""));
    }
    const Listed listed(changes);
    Names all;
    const std::size_t pages = listed.list().pages;
    CHECK(pages == 80);
    for (std::size_t i = 1; i <= pages; ++i) {
        const auto names = listed.names({.page = i});
        all.insert(all.end(), names.begin(), names.end());
    }
    CHECK(all.size() == 2000);
    CHECK(std::ranges::is_sorted(all));
    CHECK(std::ranges::adjacent_find(all) == all.end());
    CHECK(listed.list({.page = 0}).page == 1);
    CHECK(listed.list({.page = 81}).page == 80);
    CHECK(listed.list({.page = ~std::size_t{0}}).first() == 1976);
}
