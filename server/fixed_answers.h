// What is answered without any data: `any`, `chaos`, `local` and `whoami`.
// Knows their names and records (RFC 8482, RFC 4892, RFC 6761 §6.3); knows nothing of other
// plugins. Values made at load, immutable after, and free functions: any thread may call.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/client.h"
#include "server/metric_labels.h"
#include "zones/cluster_zone.h"
#include "zones/query.h"
#include "zones/writer.h"

namespace server {

/// Texts of at most 255 octets.
struct ChaosConfig {
    std::string version;
    std::vector<std::string> authors;
    std::string host;
};

struct LocalConfig {
    bool localhost_prefix = true;  // names that begin with `localhost.` too
};

/// What comes before every other plugin of a block that answers.
struct FixedAnswers {
    bool any = false;
    std::optional<ChaosConfig> chaos;
    std::optional<LocalConfig> local;
};

struct FixedReply {
    zones::Rcode rcode;
    Author author;
};

/// The records for what a client asked; nullopt: the question is for other plugins. None of these
/// replies has AA set, as with CoreDNS. `random` decides which of chaos' authors comes first.
std::optional<FixedReply> answer_fixed(const FixedAnswers& plugins, const zones::Query& query,
                                       std::uint32_t random, zones::MessageWriter& out);

/// `local` alone, for any name.
std::optional<zones::Rcode> answer_local(const LocalConfig& local, const zones::AskedName& name,
                                         std::uint16_t qtype, zones::MessageWriter& out);

/// `whoami`: the client's address and port, as additional records below the name that was asked.
void answer_whoami(const zones::Query& query, const Client& client, zones::MessageWriter& out);

}  // namespace server
