#include "server/service_list.h"

#include <algorithm>
#include <tuple>

namespace server {
namespace {

using zones::ServiceRecords;

struct Entry {
    const ServiceRecords* service = nullptr;
    const ClusterServices* cluster = nullptr;

    auto order() const {
        return std::tuple(service->namespace_label(), service->service_label(),
                          std::string_view(cluster->zone));
    }
};

std::vector<std::string> texts_of(const zones::AddressSet& addresses) {
    std::vector<std::string> texts;
    for (const auto& address : addresses.v4) {
        texts.push_back(zones::to_string(address));
    }
    for (const auto& address : addresses.v6) {
        texts.push_back(zones::to_string(address));
    }
    return texts;
}

std::vector<std::string> words_in(std::string_view text) {
    std::vector<std::string> words;
    constexpr std::string_view kSpace = " \t\r\n,";
    for (std::size_t at = text.find_first_not_of(kSpace); at != text.npos;) {
        const std::size_t end = std::min(text.find_first_of(kSpace, at), text.size());
        words.push_back(zones::to_lower(text.substr(at, end - at)));
        at = text.find_first_not_of(kSpace, end);
    }
    return words;
}

class Matcher {
  public:
    explicit Matcher(const ServiceFilter& filter)
        : words_(words_in(filter.words)), troubled_(filter.troubled) {}

    bool operator()(const ServiceRecords& service) {
        if (troubled_ && !is_troubled(service)) {
            return false;
        }
        if (words_.empty()) {
            return true;
        }
        const auto name = service.service_label();
        const auto ns = service.namespace_label();
        text_.assign(name).append(".").append(ns).append(" ").append(ns).append("/").append(name);
        return std::ranges::all_of(words_, [&](const std::string& word) {
            return text_.find(word) != text_.npos || begins_address(service, word);
        });
    }

  private:
    static bool begins_address(const ServiceRecords& service, std::string_view word) {
        if (word.find_first_not_of("0123456789abcdef.:") != word.npos) {
            return false;
        }
        return std::ranges::any_of(texts_of(service.cluster_ips), [&](const std::string& address) {
            return address.starts_with(word);
        });
    }

    const std::vector<std::string> words_;
    const bool troubled_;
    std::string text_;
};

ServiceRow row_of(const Entry& entry) {
    const ServiceRecords& service = *entry.service;
    ServiceRow row{.ns = std::string(service.namespace_label()),
                   .name = std::string(service.service_label()),
                   .kind = service.kind,
                   .answered = service.visible,
                   .cluster_ips = texts_of(service.cluster_ips),
                   .ready = ready_endpoints(service),
                   .endpoints = ready_endpoints(service) + service.uncounted,
                   .zone = entry.cluster->zone};
    if (service.kind == ServiceRecords::Kind::ExternalName) {
        row.target = zones::to_string(service.target);
    }
    return row;
}

}  // namespace

std::size_t ready_endpoints(const ServiceRecords& service) {
    // A pod of two families stands in a slice of each.
    return std::max(service.endpoint_addresses.v4.size(), service.endpoint_addresses.v6.size());
}

bool is_troubled(const ServiceRecords& service) {
    const bool has_endpoints = service.kind == ServiceRecords::Kind::ClusterIp ||
                               service.kind == ServiceRecords::Kind::Headless;
    return has_endpoints && (ready_endpoints(service) == 0 || service.uncounted > 0);
}

ServicePage list_services(const std::vector<ClusterServices>& clusters,
                          const ServiceFilter& filter) {
    ServicePage page;
    std::vector<Entry> entries;
    Matcher matches(filter);
    for (const ClusterServices& cluster : clusters) {
        for (const auto& shard : cluster.snapshot->shards) {
            if (shard == nullptr) {
                continue;
            }
            page.all += shard->size();
            shard->for_each([&](const ServiceRecords& service) {
                page.troubled += is_troubled(service) ? 1 : 0;
                if (matches(service)) {
                    entries.push_back({&service, &cluster});
                }
            });
        }
    }
    page.matching = entries.size();
    page.pages =
        std::max<std::size_t>((page.matching + ServicePage::kRows - 1) / ServicePage::kRows, 1);
    page.page = std::clamp<std::size_t>(filter.page, 1, page.pages);
    const std::size_t from = (page.page - 1) * ServicePage::kRows;
    const std::size_t to = std::min(from + ServicePage::kRows, entries.size());
    std::ranges::partial_sort(entries, entries.begin() + static_cast<std::ptrdiff_t>(to), {},
                              &Entry::order);
    for (std::size_t i = from; i < to; ++i) {
        page.rows.push_back(row_of(entries[i]));
    }
    return page;
}

}  // namespace server
