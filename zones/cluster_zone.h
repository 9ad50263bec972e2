// Answers questions about the names of one `kubernetes` block, with authority.
// Knows what each type gives at each name (RFC 1034 §4.3.2, k8s-dns 1.1.0); knows nothing of what
// is behind a CNAME, of sockets, of other blocks, or of upstreams. Immutable after construction;
// all workers share it and give it the snapshot to answer from.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "zones/cluster_options.h"
#include "zones/locate.h"
#include "zones/reason.h"
#include "zones/snapshot.h"
#include "zones/writer.h"
#include "zones/zone_table.h"

namespace zones {

/// A name that is to be answered: where it stands in the reply, and its lower-case copy.
struct AskedName {
    PlacedName placed;
    const LoweredName* lowered = nullptr;
    const Foreseen* foreseen = nullptr;  // of that zone and snapshot; or null
};

/// How a reply is to be made; the same for all its names.
struct AnswerStyle {
    std::uint16_t qtype = 0;
    bool rotate = false;       // start each rrset of addresses at a random record (`loadbalance`)
    bool stream = false;       // over TCP
    std::uint32_t random = 0;  // fresh for every reply
    /// Where the text of an Extended DNS Error goes; it is to live until finish(). Null: none is
    /// wanted.
    ReasonText* reason = nullptr;
    bool as_asked = true;  // else `rewrite` has made the name: the text is not to tell it
};

/// The CNAMEs of a reply so far.
struct Chain {
    static constexpr unsigned kMaxLinks = 16;
    std::array<PlacedName, kMaxLinks> owners;
    unsigned links = 0;
};

class ClusterZone {
  public:
    enum class Outcome : std::uint8_t {
        NotOurs,     // in none of our zones
        NextName,    // a CNAME was written, whose target is to be asked for: see Result::target
        NextPlugin,  // a name error that falls through; nothing was written
        Done,
    };
    struct Result {
        Outcome outcome = Outcome::NotOurs;
        Rcode rcode = Rcode::NoError;
        PlacedName target{};  // of the last CNAME
    };

    /// `listening`: the addresses of ns.dns.<zone> while the DNS Service does not exist.
    ClusterZone(ClusterOptions options, std::vector<Address> listening);

    bool is_ours(const LoweredName& name) const { return zones_.find(name).has_value(); }

    /// Begins to look `name` up before its turn.
    void foresee(const LoweredName& name, const Snapshot& snapshot, Foreseen& out) const;

    /// Appends the answer for `asked`, to which the CNAMEs of `chain` led, and adds to them.
    Result answer(const AskedName& asked, const AnswerStyle& style, Chain& chain,
                  const Snapshot& snapshot, MessageWriter& out) const;

  private:
    struct Cut;  // the zone a name was found in
    Result answer_name(const AskedName& asked, const AnswerStyle& style, Chain& chain,
                       const Snapshot& snapshot, MessageWriter& out) const;
    Result answer_alias(const AskedName& asked, const AnswerStyle& style, Chain& chain,
                        const ServiceRecords& service, std::uint32_t ttl, MessageWriter& out) const;
    std::uint32_t ttl_of(const Snapshot& snapshot) const;
    bool falls_through(const LoweredName& name, const Located& located, bool reverse) const;
    Rcode negative(const Cut& cut, bool name_error, const Snapshot& snapshot,
                   MessageWriter& out) const;
    void tell_why(Rcode rcode, const Cut& cut, const AskedName& asked, const AnswerStyle& style,
                  const Snapshot& snapshot, MessageWriter& out) const;
    bool answer_apex(const Cut& cut, const AnswerStyle& style, const Snapshot& snapshot,
                     MessageWriter& out) const;
    bool answer_nameserver(const JoinedName& owner, const AnswerStyle& style,
                           const Snapshot& snapshot, MessageWriter& out, Section section) const;
    bool answer_pointer(const AskedName& asked, const Located& located, const Snapshot& snapshot,
                        MessageWriter& out) const;
    void add_soa(const Cut& cut, Section section, const Snapshot& snapshot,
                 MessageWriter& out) const;
    bool answer_located(const Cut& cut, const AskedName& asked, const Located& located,
                        const AnswerStyle& style, const Snapshot& snapshot,
                        MessageWriter& out) const;

    ClusterOptions options_;
    std::vector<Address> listening_;
    ZoneTable zones_;  // value: index into options_.zones
    ZoneTable fallthrough_;
    std::vector<bool> reverse_;  // by index
    Name primary_;
};

/// True if a CNAME of `chain` already has that owner.
bool has_owner(const Chain& chain, NameView name, const MessageWriter& message);

/// True under in-addr.arpa and ip6.arpa.
bool is_reverse_zone(const Name& zone);

}  // namespace zones
