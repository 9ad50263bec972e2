// Why a name of a cluster zone has no such record, in a few words for a person: the EXTRA-TEXT of
// an Extended DNS Error (RFC 8914 §2).
// Knows what locate.h knows, and names nothing but what the question names, and the ports of the
// Service it names. Pure; for denials alone, and only where somebody wants to hear.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "zones/cluster_options.h"
#include "zones/name.h"
#include "zones/snapshot.h"

namespace zones {

/// A text in place, without allocation; what does not fit is left out, with dots in its place.
class ReasonText {
  public:
    std::string_view view() const { return {octets_.data(), size_}; }
    bool empty() const { return size_ == 0; }
    void clear() { size_ = 0; }

    ReasonText& add(std::string_view text);
    ReasonText& add(std::size_t number);
    /// Of a message: octets beyond printable ASCII become question marks.
    ReasonText& add_label(std::string_view label);
    /// The same of a text that somebody else has written; spaces stay, quotation marks are single.
    ReasonText& add_foreign(std::string_view text);
    ReasonText& add_quoted(std::string_view label) { return add("\"").add_label(label).add("\""); }

  private:
    std::array<char, 240> octets_;
    std::size_t size_ = 0;
};

/// Appends why `name`, of which the last `zone_labels` labels are the zone's, has no record of
/// `qtype` in `snapshot`; nothing where there is no more to say than that.
void add_denial_reason(const LoweredName& name, std::size_t zone_labels, std::uint16_t qtype,
                       const ClusterOptions& options, const Snapshot& snapshot, ReasonText& out);

/// The same for a name of a reverse zone.
void add_reverse_denial_reason(const LoweredName& name, std::uint16_t qtype, ReasonText& out);

}  // namespace zones
