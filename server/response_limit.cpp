#include "server/response_limit.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "server/zone_set.h"
#include "zones/reader.h"

namespace server {
namespace {

using zones::Rcode;

// Where a header says how many records there are (RFC 1035 §4.1.1).
constexpr std::size_t kQuestionCount = 4, kAnswerCount = 6, kAuthorityCount = 8;

struct FirstAuthority {
    zones::LoweredName owner;
    std::uint16_t type = 0;  // 0: there is none
};

/// Of a reply without answers.
void read_first_authority(std::span<const std::uint8_t> reply, FirstAuthority& first) {
    if (zones::read_u16(&reply[kAuthorityCount]) == 0) {
        return;
    }
    zones::Reader reader(reply, zones::kHeaderSize);
    if (zones::read_u16(&reply[kQuestionCount]) == 1) {
        reader.skip_name();
        reader.u32();  // type and class
    }
    std::uint8_t owner[zones::kMaxNameLength];
    const std::size_t size = reader.name(owner);
    const std::uint16_t type = reader.u16();
    if (!reader.failed()) {
        first.owner.assign({reinterpret_cast<const char*>(owner), size});
        first.type = type;
    }
}

/// What all that is counted together has in common.
class Account {
  public:
    void put(std::string_view octets) {
        std::memcpy(&octets_[size_], octets.data(), octets.size());
        size_ += octets.size();
    }
    void put(std::uint16_t value) {
        octets_[size_++] = static_cast<char>(value >> 8);
        octets_[size_++] = static_cast<char>(value);
    }
    void put(const Net& net) {
        put(static_cast<std::uint16_t>(net.first.index()));
        std::visit([&](const auto& ip) { put(zones::as_text(ip.octets)); }, net.first);
    }
    std::uint64_t hash(const zones::HashKey& key) const {
        return zones::keyed_hash(key, {octets_.data(), size_});
    }

  private:
    std::array<char, zones::kMaxNameLength + 32> octets_;
    std::size_t size_ = 0;
};

constexpr std::uint16_t kRequestKind = kReplyKinds;  // beside the kinds of replies

/// One second's worth may come at once, as with coredns/rrl and BIND.
Rate response_rate(double per_second, std::chrono::nanoseconds window) {
    return Rate(per_second, per_second).in_debt_up_to(window);
}

std::uint64_t longest(const ResponseLimitConfig& config) {
    std::uint64_t most = 0;
    for (const double per_second : config.replies) {
        most = std::max(most, per_second > 0 ? response_rate(per_second, config.window).most : 0);
    }
    return std::max(most,
                    config.requests > 0 ? response_rate(config.requests, config.window).most : 0);
}

}  // namespace

ReplyKind kind_of(std::span<const std::uint8_t> reply) {
    if (zones::read_u16(&reply[kAnswerCount]) > 0) {
        return ReplyKind::Answer;
    }
    const auto rcode = static_cast<Rcode>(reply[3] & zones::header::kRcodeMask);
    if (rcode == Rcode::NxDomain) {
        return ReplyKind::NxDomain;
    }
    if (rcode != Rcode::NoError) {
        return ReplyKind::Error;
    }
    FirstAuthority first;
    read_first_authority(reply, first);
    return first.type == zones::qtype::kNs ? ReplyKind::Referral : ReplyKind::NoData;
}

ResponseLimit::ResponseLimit(const ResponseLimitConfig& config, zones::HashKey key)
    : config_(config),
      key_(key),
      zones_(zone_set(config.zones)),
      table_(config.accounts, longest(config)) {
    for (std::size_t i = 0; i < kReplyKinds; ++i) {
        if (config.replies[i] > 0) {
            replies_[i] = response_rate(config.replies[i], config.window);
        }
    }
    if (config.requests > 0) {
        requests_ = response_rate(config.requests, config.window);
    }
}

bool ResponseLimit::covers(const zones::LoweredName& qname) const {
    return zones_.empty() || zones_.find(qname).has_value();
}

Net ResponseLimit::net_of(const Client& client) const {
    return server::net_of(client.peer, config_.v4_bits, config_.v6_bits);
}

ResponseLimit::Decision ResponseLimit::request(const zones::Query& query, const Client& client,
                                               Clock::time_point now) {
    if (!requests_ || !covers(query.name)) {
        return {};
    }
    Account account;
    account.put(kRequestKind);
    account.put(net_of(client));
    Decision decision =
        decide(table_.take(account.hash(key_), *requests_, now), config_.requests, 1);
    if (decision.verdict == Verdict::Slip) {
        decision.verdict = Verdict::Drop;
    }
    return decision;
}

/// All replies with records are one for a name and type, all denials for what denies them, all
/// errors for the client (BIND 9 Administrator Reference Manual, Response Rate Limiting).
ResponseLimit::Decision ResponseLimit::response(const zones::Query& query,
                                                std::span<const std::uint8_t> reply,
                                                const Client& client, Clock::time_point now,
                                                std::uint32_t random) {
    const ReplyKind kind = kind_of(reply);
    const auto& rate = replies_[static_cast<std::size_t>(kind)];
    if (!rate || !covers(query.name)) {
        return {};
    }
    Account account;
    account.put(static_cast<std::uint16_t>(kind));
    account.put(net_of(client));
    if (kind == ReplyKind::Answer || kind == ReplyKind::Referral) {
        account.put(query.qtype);
    }
    if (kind == ReplyKind::Answer || kind == ReplyKind::NoData) {
        account.put(query.name.wire());
    } else if (kind != ReplyKind::Error) {
        FirstAuthority first;
        read_first_authority(reply, first);
        if (first.type != 0) {
            account.put(first.owner.wire());
        }
    }
    return decide(table_.take(account.hash(key_), *rate, now),
                  config_.replies[static_cast<std::size_t>(kind)], random);
}

ResponseLimit::Decision ResponseLimit::decide(RateTable::Taken taken, double allowed,
                                              std::uint32_t random) const {
    if (taken.allowed) {
        return {Verdict::Pass, taken.evicted};
    }
    const bool slips = config_.slip > 0 && random % config_.slip == 0;
    return {config_.report_only ? Verdict::Report
            : slips             ? Verdict::Slip
                                : Verdict::Drop,
            taken.evicted, allowed};
}

}  // namespace server
