#include "server/query_log.h"

#include <algorithm>

#include "zones/zone_table.h"

namespace server {
namespace {

constexpr std::size_t kFlushAt = 64 * 1024;

enum class Class : std::uint8_t { Success, Denial, Error };

/// As CoreDNS sorts replies for `class`.
Class class_of(const LoggedReply& reply) {
    const std::uint8_t* const message = reply.message.data();
    const auto rcode = static_cast<zones::Rcode>(message[3] & zones::header::kRcodeMask);
    const bool answers = zones::read_u16(message + 6) > 0;
    const bool authority = zones::read_u16(message + 8) > 0;
    if (rcode == zones::Rcode::NxDomain) {
        return Class::Denial;
    }
    if (rcode != zones::Rcode::NoError) {
        return Class::Error;
    }
    return answers || !authority ? Class::Success : Class::Denial;
}

bool covers(const LogConfig& log, const zones::Name& qname) {
    return std::any_of(log.names.begin(), log.names.end(),
                       [&](const zones::Name& name) { return qname.is_at_or_below(name); });
}

bool wants(const LogConfig& log, Class reply_class) {
    return reply_class == Class::Success  ? log.success
           : reply_class == Class::Denial ? log.denial
                                          : log.error;
}

/// The first `log` whose names cover the qname decides, whatever its classes; null: no line.
const LogConfig* wanted(const ServerBlock& block, const LoggedReply& reply) {
    const auto qname = zones::Name::from_wire(reply.query.qname);
    if (!qname) {
        return nullptr;
    }
    const auto log = std::find_if(block.logs.begin(), block.logs.end(),
                                  [&](const LogConfig& one) { return covers(one, *qname); });
    return log != block.logs.end() && wants(*log, class_of(reply)) ? &*log : nullptr;
}

}  // namespace

void QueryLog::reply(const ServerBlock& block, const LoggedReply& reply) {
    const LogConfig* const log = sink_ == nullptr ? nullptr : wanted(block, reply);
    if (log == nullptr) {
        return;
    }
    if (sink_->style() == LogStyle::Json) {
        lines_ += json_query_line(reply);
    } else {
        lines_ += "[INFO] ";
        log->format.append(reply, lines_);
        lines_ += '\n';
    }
    if (lines_.size() > kFlushAt) {
        flush();
    }
}

void QueryLog::flush() {
    if (!lines_.empty()) {
        sink_->write(lines_);
        lines_.clear();
    }
}

}  // namespace server
