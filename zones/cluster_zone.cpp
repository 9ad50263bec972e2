#include "zones/cluster_zone.h"

#include <algorithm>

#include "zones/service_answer.h"

namespace zones {
namespace {

using namespace std::string_view_literals;

constexpr std::uint32_t kVersionTtl = 28800;
constexpr std::string_view kVersion =
    "\5"
    "1.1.0"sv;  // k8s-dns 2.2, as a character-string
constexpr std::string_view kNsDns = "\2ns\3dns"sv;
constexpr std::string_view kHostmaster = "\12hostmaster"sv;
constexpr std::uint32_t kMaxSoaTtl = 300;
constexpr std::string_view kFromSnapshot =
    "from the snapshot: the API server has not been listed yet"sv;
constexpr std::string_view kNotListed = "the API server has not been listed yet"sv;
constexpr std::uint32_t kMaxStaleTtl = 5;  // clients shall soon ask again

/// Endpoint labels of `service` at `address`, each as a PTR record.
void add_endpoint_pointers(const ServiceRecords& service, std::uint32_t index,
                           const auto& add_pointer) {
    LabelBuffer label;
    std::uint32_t last = 0;
    for (const std::uint32_t i : service.labelled_at(index)) {
        const EndpointRecord& endpoint = service.endpoints[i];
        if (endpoint.label_at != last) {  // the same label again has another set of ports
            write_label(service, endpoint, label);
            add_pointer(label.wire(), service);
        }
        last = endpoint.label_at;
    }
    const auto unlabelled = service.unlabelled_at(index);
    if (!unlabelled.empty()) {
        write_label(service, unlabelled.front(), label);
        add_pointer(label.wire(), service);
    }
}

}  // namespace

struct ClusterZone::Cut {
    PlacedName apex;
    std::size_t labels = 0;  // of the apex
    bool reverse = false;
};

bool is_reverse_zone(const Name& zone) {
    static const Name kV4 = *Name::parse("in-addr.arpa");
    static const Name kV6 = *Name::parse("ip6.arpa");
    return zone.is_at_or_below(kV4) || zone.is_at_or_below(kV6);
}

ClusterZone::ClusterZone(ClusterOptions options, std::vector<Address> listening)
    : options_(std::move(options)), listening_(std::move(listening)) {
    bool primary_found = false;
    for (std::size_t i = 0; i < options_.zones.size(); ++i) {
        const Name& zone = options_.zones[i];
        zones_.add(zone, i);
        reverse_.push_back(is_reverse_zone(zone));
        if (!primary_found && !reverse_.back()) {
            primary_ = zone.lowered();
            primary_found = true;
        }
    }
    for (const Name& zone : options_.fallthrough) {
        fallthrough_.add(zone, 0);
    }
}

void ClusterZone::foresee(const LoweredName& name, const Snapshot& snapshot, Foreseen& out) const {
    out = {.looked_up = true, .zone = zones_.find(name)};
    if (out.zone && !reverse_[out.zone->value]) {
        out.find_key(name, snapshot);
    }
}

bool has_owner(const Chain& chain, NameView name, const MessageWriter& message) {
    return std::any_of(chain.owners.begin(), chain.owners.begin() + chain.links,
                       [&](const auto& owner) { return equal_fold(message.placed(owner), name); });
}

ClusterZone::Result ClusterZone::answer(const AskedName& asked, const AnswerStyle& style,
                                        Chain& chain, const Snapshot& snapshot,
                                        MessageWriter& out) const {
    const Result result = answer_name(asked, style, chain, snapshot, out);
    if (snapshot.stale && style.reason != nullptr &&
        (result.outcome == Outcome::Done || result.outcome == Outcome::NextName)) {
        out.set_extended_error(result.rcode == Rcode::NxDomain ? extended_error::kStaleNxDomain
                                                               : extended_error::kStaleAnswer,
                               kFromSnapshot);
    }
    return result;
}

std::uint32_t ClusterZone::ttl_of(const Snapshot& snapshot) const {
    return snapshot.stale ? std::min(options_.ttl, kMaxStaleTtl) : options_.ttl;
}

bool ClusterZone::falls_through(const LoweredName& name, const Located& located,
                                bool reverse) const {
    const bool owns_nothing = located.kind == Located::Kind::NameError ||
                              (reverse && located.kind == Located::Kind::EmptyNonTerminal);
    return owns_nothing && fallthrough_.find(name).has_value();
}

ClusterZone::Result ClusterZone::answer_alias(const AskedName& asked, const AnswerStyle& style,
                                              Chain& chain, const ServiceRecords& service,
                                              std::uint32_t ttl, MessageWriter& out) const {
    Result result{.outcome = Outcome::Done};
    if (chain.links == Chain::kMaxLinks) {
        if (style.reason != nullptr) {
            out.set_extended_error(extended_error::kOther, "more CNAMEs than are followed");
        }
        return result;
    }
    out.begin_record({{}, asked.placed}, qtype::kCname, ttl);
    result.target = {static_cast<std::uint16_t>(out.position()),
                     static_cast<std::uint8_t>(service.target.size())};
    out.put_octets(service.target);
    if (!out.end_record(Section::Answer)) {
        out.mark_truncated();
        return result;
    }
    chain.owners[chain.links++] = asked.placed;
    // RFC 1034 §4.3.2 step 3a: whatever the type, but for CNAME itself and ANY, which match it.
    if (style.qtype != qtype::kCname && style.qtype != qtype::kAny) {
        result.outcome = Outcome::NextName;
    }
    return result;
}

ClusterZone::Result ClusterZone::answer_name(const AskedName& asked, const AnswerStyle& style,
                                             Chain& chain, const Snapshot& snapshot,
                                             MessageWriter& out) const {
    const LoweredName& name = *asked.lowered;
    const bool foreseen = asked.foreseen != nullptr && asked.foreseen->looked_up;
    const auto match = foreseen ? asked.foreseen->zone : zones_.find(name);
    if (!match) {
        return {.outcome = Outcome::NotOurs};
    }
    const Cut cut{suffix_at(asked, name.labels - match->labels), match->labels,
                  reverse_[match->value]};
    const Located located = cut.reverse
                                ? locate_reverse(name, match->labels, snapshot)
                                : locate(name, match->labels, options_, snapshot, asked.foreseen);
    if (chain.links == 0 && falls_through(name, located, cut.reverse)) {
        return {.outcome = Outcome::NextPlugin};
    }
    if (located.kind == Located::Kind::Service &&
        located.service->kind == ServiceRecords::Kind::ExternalName) {
        return answer_alias(asked, style, chain, *located.service, ttl_of(snapshot), out);
    }
    Result done{.outcome = Outcome::Done};
    if (!answer_located(cut, asked, located, style, snapshot, out)) {
        done.rcode = negative(cut, located.kind == Located::Kind::NameError, snapshot, out);
        if (style.reason != nullptr) {
            tell_why(done.rcode, cut, asked, style, snapshot, out);
        }
    }
    return done;
}

bool ClusterZone::answer_located(const Cut& cut, const AskedName& asked, const Located& located,
                                 const AnswerStyle& style, const Snapshot& snapshot,
                                 MessageWriter& out) const {
    switch (located.kind) {
        case Located::Kind::Service:
            return answer_service(asked, located, style, ttl_of(snapshot), out);
        case Located::Kind::Endpoint:
            return answer_endpoint(asked, located, style, ttl_of(snapshot), out);
        case Located::Kind::Pod:
            return answer_pod(asked, located, style, ttl_of(snapshot), out);
        case Located::Kind::Apex:
            return answer_apex(cut, style, snapshot, out);
        case Located::Kind::NameServer:
            return answer_nameserver({{}, asked.placed}, style, snapshot, out, Section::Answer);
        case Located::Kind::Reverse:
            return style.qtype == qtype::kPtr && answer_pointer(asked, located, snapshot, out);
        case Located::Kind::Version:
            if (style.qtype != qtype::kTxt) {
                return false;
            }
            out.begin_record({{}, asked.placed}, qtype::kTxt,
                             snapshot.stale ? ttl_of(snapshot) : kVersionTtl);
            out.put_octets(kVersion);
            out.end_record(Section::Answer);
            return true;
        default:
            return false;
    }
}

Rcode ClusterZone::negative(const Cut& cut, bool name_error, const Snapshot& snapshot,
                            MessageWriter& out) const {
    add_soa(cut, Section::Authority, snapshot, out);  // RFC 2308 §2
    if (!name_error) {
        return Rcode::NoError;
    }
    // What has not been listed yet may exist: never deny it.
    return snapshot.synced ? Rcode::NxDomain : Rcode::ServFail;
}

/// Of a name that the client did not ask for, which a CNAME or `rewrite` leads to, no part is told.
void ClusterZone::tell_why(Rcode rcode, const Cut& cut, const AskedName& asked,
                           const AnswerStyle& style, const Snapshot& snapshot,
                           MessageWriter& out) const {
    if (rcode == Rcode::ServFail) {
        out.set_extended_error(extended_error::kNotReady, kNotListed);
        return;
    }
    ReasonText& reason = *style.reason;
    reason.clear();
    if (!style.as_asked || asked.placed.offset != kHeaderSize) {
        reason.add(rcode == Rcode::NxDomain ? "the name that this one leads to does not exist"
                                            : "the name that this one leads to has no such record");
    } else if (cut.reverse) {
        add_reverse_denial_reason(*asked.lowered, style.qtype, reason);
    } else {
        add_denial_reason(*asked.lowered, cut.labels, style.qtype, options_, snapshot, reason);
    }
    if (!reason.empty()) {
        out.set_extended_error(extended_error::kOther, reason.view());
    }
}

void ClusterZone::add_soa(const Cut& cut, Section section, const Snapshot& snapshot,
                          MessageWriter& out) const {
    out.begin_record({{}, cut.apex}, qtype::kSoa, std::min(ttl_of(snapshot), kMaxSoaTtl));
    out.put_reference({kNsDns, cut.apex});
    out.put_reference({kHostmaster, cut.apex});
    out.put_u32(snapshot.serial);
    out.put_u32(7200);  // refresh, retry and expire: as CoreDNS has them
    out.put_u32(1800);
    out.put_u32(86400);
    out.put_u32(ttl_of(snapshot));  // how long a denial may be cached (RFC 2308 §4)
    if (!out.end_record(section)) {
        out.mark_truncated();
    }
}

bool ClusterZone::answer_apex(const Cut& cut, const AnswerStyle& style, const Snapshot& snapshot,
                              MessageWriter& out) const {
    if (style.qtype == qtype::kSoa) {
        add_soa(cut, Section::Answer, snapshot, out);
        return true;
    }
    if (style.qtype != qtype::kNs) {
        return false;
    }
    out.begin_record({{}, cut.apex}, qtype::kNs, ttl_of(snapshot));
    out.put_reference({kNsDns, cut.apex});
    out.end_record(Section::Answer);
    AnswerStyle glue = style;
    for (const std::uint16_t type : {qtype::kA, qtype::kAaaa}) {
        glue.qtype = type;
        answer_nameserver({kNsDns, cut.apex}, glue, snapshot, out, Section::Additional);
    }
    return true;
}

bool ClusterZone::answer_nameserver(const JoinedName& owner, const AnswerStyle& style,
                                    const Snapshot& snapshot, MessageWriter& out,
                                    Section section) const {
    LabelBuffer service, ns;
    service.assign(options_.nameserver_service);
    ns.assign(options_.nameserver_namespace);
    const ServiceRecords* records =
        snapshot.find_service(std::string(service.wire()).append(ns.wire()));
    bool found = false;
    const auto add = [&](const auto& a) {
        const bool wanted = style.qtype == (sizeof a.octets == 4 ? qtype::kA : qtype::kAaaa);
        if (wanted && !out.add_address(owner, section, ttl_of(snapshot), a) &&
            section == Section::Answer) {
            out.mark_truncated();
        }
        found = found || wanted;
    };
    if (records != nullptr && !records->cluster_ips.empty()) {
        std::ranges::for_each(records->cluster_ips.v4, add);
        std::ranges::for_each(records->cluster_ips.v6, add);
        return found;
    }
    for (const Address& address : listening_) {
        std::visit(add, address);
    }
    return found;
}

bool ClusterZone::answer_pointer(const AskedName& asked, const Located& located,
                                 const Snapshot& snapshot, MessageWriter& out) const {
    const auto add = [&](std::string_view label, const ServiceRecords& service) {
        constexpr std::string_view kSvc = "\3svc"sv;
        if (label.size() + service.key.size() + kSvc.size() + primary_.size() > kMaxNameLength) {
            return;  // no such name can be
        }
        out.begin_record({{}, asked.placed}, qtype::kPtr, ttl_of(snapshot));
        out.put_octets(label);
        out.put_octets(service.key);
        out.put_octets(kSvc);
        out.put_octets(primary_.wire());
        if (!out.end_record(Section::Answer)) {
            out.mark_truncated();
        }
    };
    const auto for_each_service = [&](const auto& visit) {
        const auto visit_hash = [&](std::uint64_t hash) {
            const ServiceRecords* service = snapshot.find_service(hash);
            return service == nullptr || visit(*service);
        };
        if (const auto* v4 = std::get_if<Ipv4>(&located.address)) {
            snapshot.addresses4.for_each(*v4, visit_hash);
        } else {
            snapshot.addresses6.for_each(std::get<Ipv6>(located.address), visit_hash);
        }
    };
    // k8s-dns 2.3.3: a cluster IP has one PTR record, an endpoint one for each of its names.
    bool is_cluster_ip = false;
    for_each_service([&](const ServiceRecords& service) {
        if (service.has_cluster_ip(located.address)) {
            add({}, service);
            is_cluster_ip = true;
        }
        return !is_cluster_ip;
    });
    if (!is_cluster_ip) {
        for_each_service([&](const ServiceRecords& service) {
            const auto index = service.index_of(located.address);
            if (index) {
                add_endpoint_pointers(service, *index, add);
            }
            return !out.truncated();
        });
    }
    return true;
}

}  // namespace zones
