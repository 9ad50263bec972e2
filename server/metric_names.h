// The names of all metrics, with their help texts and bounds.
// CoreDNS's own begin with coredns_, what only we have with keryx_. Constants; any thread.
#pragma once

#include <array>
#include <span>

namespace server {

struct MetricName {
    enum class Type { Counter, Gauge, Histogram };
    const char* name;
    const char* help;
    Type type = Type::Counter;
    std::span<const double> bounds{};  // of a histogram that is not made of cells
};

namespace metric {

using enum MetricName::Type;

/// CoreDNS's bounds for health requests, for requests to the API, and for programming latency.
inline constexpr std::array kHealthBounds = {0.00025, 0.0025, 0.025, 0.25, 2.5};
inline constexpr std::array kApiBounds = {.005, .01, .025, .05, .1, .25, .5, 1., 2.5, 5., 10.};
inline constexpr auto kProgrammingBounds = [] {
    std::array<double, 20> bounds{};
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        bounds[i] = 0.001 * static_cast<double>(1U << i);
    }
    return bounds;
}();

inline constexpr MetricName kBuildInfo{"coredns_build_info",
                                       "Always 1; the labels say which version answers.", Gauge};
inline constexpr MetricName kPanics{"coredns_panics_total", "Always 0: a crash ends the process."};
inline constexpr MetricName kPluginEnabled{"coredns_plugin_enabled",
                                           "1 for each plugin of a server and zone.", Gauge};

inline constexpr MetricName kRequests{"coredns_dns_requests_total",
                                      "Queries by zone, protocol, address family and type."};
inline constexpr MetricName kRequestDuration{"coredns_dns_request_duration_seconds",
                                             "Time from a query to its reply.", Histogram};
inline constexpr MetricName kRequestSize{"coredns_dns_request_size_bytes", "Octets of queries.",
                                         Histogram};
inline constexpr MetricName kDoRequests{"coredns_dns_do_requests_total",
                                        "Queries with the DO bit (DNSSEC OK) set."};
inline constexpr MetricName kResponseSize{"coredns_dns_response_size_bytes", "Octets of replies.",
                                          Histogram};
inline constexpr MetricName kResponses{
    "coredns_dns_responses_total", "Replies by response code and by the plugin that wrote them."};

inline constexpr MetricName kCacheEntries{"coredns_cache_entries", "Answers in the cache now.",
                                          Gauge};
inline constexpr MetricName kCacheHits{"coredns_cache_hits_total",
                                       "Queries that were answered from the cache."};
inline constexpr MetricName kCacheRequests{"coredns_cache_requests_total",
                                           "Queries that the cache was asked for."};
inline constexpr MetricName kCacheMisses{"coredns_cache_misses_total",
                                         "Queries that were not in the cache."};
inline constexpr MetricName kCachePrefetch{
    "coredns_cache_prefetch_total", "Answers that were asked for again before they expired."};
inline constexpr MetricName kCacheDrops{"coredns_cache_drops_total",
                                        "Replies that were not kept because they are malformed."};
inline constexpr MetricName kCacheServedStale{"coredns_cache_served_stale_total",
                                              "Queries that got an answer that had expired."};
inline constexpr MetricName kCacheEvictions{"coredns_cache_evictions_total",
                                            "Answers that had to make room for others."};

inline constexpr MetricName kForwardBroken{"coredns_forward_healthcheck_broken_total",
                                           "Questions that found all upstreams down."};
inline constexpr MetricName kForwardRejects{
    "coredns_forward_max_concurrent_rejects_total",
    "Queries that were refused because too many waited for upstreams."};
inline constexpr MetricName kProxyDuration{"coredns_proxy_request_duration_seconds",
                                           "Time that upstreams took to reply.", Histogram};
inline constexpr MetricName kProxyHealthFailures{"coredns_proxy_healthcheck_failures_total",
                                                 "Probes that an upstream did not answer."};
inline constexpr MetricName kProxyHits{"coredns_proxy_conn_cache_hits_total",
                                       "Questions sent from a socket that was open."};
inline constexpr MetricName kProxyMisses{"coredns_proxy_conn_cache_misses_total",
                                         "Questions for which a socket was opened."};

inline constexpr MetricName kHealthDuration{"coredns_health_request_duration_seconds",
                                            "Time that the server's look at itself took.",
                                            Histogram, kHealthBounds};
inline constexpr MetricName kHealthFailures{"coredns_health_request_failures_total",
                                            "Looks of the server at itself that failed."};
inline constexpr MetricName kReloadFailed{"coredns_reload_failed_total",
                                          "Corefiles that were not taken up."};
inline constexpr MetricName kReloadVersion{"coredns_reload_version_info",
                                           "Always 1; the labels say which Corefile runs.", Gauge};

inline constexpr MetricName kHostsEntries{"coredns_hosts_entries",
                                          "Entries of the hosts file and of the Corefile.", Gauge};
inline constexpr MetricName kHostsReload{"coredns_hosts_reload_timestamp_seconds",
                                         "When the hosts file in use was written.", Gauge};
inline constexpr MetricName kTemplateMatches{"coredns_template_matches_total",
                                             "Queries that a template matched."};
inline constexpr MetricName kTemplateFailures{"coredns_template_template_failures_total",
                                              "Templates that could not be filled in."};
inline constexpr MetricName kTemplateRrFailures{"coredns_template_rr_failures_total",
                                                "Filled-in templates that are no record."};

inline constexpr MetricName kAclBlocked{"coredns_acl_blocked_requests_total",
                                        "Queries that an access list refused."};
inline constexpr MetricName kAclFiltered{"coredns_acl_filtered_requests_total",
                                         "Queries that an access list gave an empty answer."};
inline constexpr MetricName kAclDropped{"coredns_acl_dropped_requests_total",
                                        "Queries that an access list left without reply."};
inline constexpr MetricName kAclAllowed{"coredns_acl_allowed_requests_total",
                                        "Queries that access lists let pass."};

inline constexpr MetricName kProgramming{
    "coredns_kubernetes_dns_programming_duration_seconds",
    "Time from a change of endpoints in the cluster until it was answered.", Histogram,
    kProgrammingBounds};
inline constexpr MetricName kApiDuration{
    "coredns_kubernetes_rest_client_request_duration_seconds",
    "Time that requests to the API server took; watches are left out.", Histogram, kApiBounds};
inline constexpr MetricName kApiLimiter{
    "coredns_kubernetes_rest_client_rate_limiter_duration_seconds",
    "Time that requests to the API server were held back by our own limits.", Histogram,
    kApiBounds};
inline constexpr MetricName kApiRequests{"coredns_kubernetes_rest_client_requests_total",
                                         "Requests to the API server by status code."};

inline constexpr MetricName kApiAge{
    "keryx_api_data_age_seconds",
    "Time since the API server was last heard of a resource; negative: never.", Gauge};
inline constexpr MetricName kApiObjects{"keryx_api_objects",
                                        "Objects of a resource that are known.", Gauge};
inline constexpr MetricName kApiRelists{"keryx_api_lists_total",
                                        "Times that a resource was listed as a whole."};
inline constexpr MetricName kApiRepaired{
    "keryx_api_repaired_objects_total",
    "Objects whose changes a watch had lost; found by comparing, and repaired."};
inline constexpr MetricName kApiMalformed{
    "keryx_api_malformed_total",
    "Lists and watches given up for what they held: no JSON, too deep, too large."};
inline constexpr MetricName kRefusedObjects{
    "keryx_refused_objects_total",
    "Objects left out since a field is not what the API allows or DNS can say, by source."};
inline constexpr MetricName kRefusedFiles{
    "keryx_refused_files_total",
    "Times that a file was left out, or its last good state kept, by what it is for."};
inline constexpr MetricName kSnapshotWrites{"keryx_snapshot_writes_total",
                                            "Writes of the snapshot file by result."};

inline constexpr MetricName kKeryxBuild{"keryx_build_info",
                                        "Always 1; the labels say which version answers.", Gauge};
inline constexpr MetricName kWorkers{"keryx_workers", "Threads that answer queries.", Gauge};
inline constexpr MetricName kMessages{"keryx_messages_total",
                                      "Messages that came, queries or not, by worker."};
inline constexpr MetricName kDropped{"keryx_dropped_packets_total",
                                     "Messages that got no reply, by reason."};
inline constexpr MetricName kMalformed{
    "keryx_malformed_packets_total",
    "Messages that got a reply which says that they are wrong, by reason."};
inline constexpr MetricName kUnsent{"keryx_unsent_replies_total",
                                    "Replies that the kernel did not take."};
inline constexpr MetricName kOverflows{
    "keryx_udp_overflows_total", "Datagrams dropped by the kernel: a socket's queue was full."};
inline constexpr MetricName kTcpConnections{"keryx_tcp_connections",
                                            "Connections of clients that are open now.", Gauge};
inline constexpr MetricName kTcpEvicted{"keryx_tcp_evicted_total",
                                        "Idle connections closed to make room for another."};
inline constexpr MetricName kTcpRefused{
    "keryx_tcp_refused_total",
    "Connections closed at once: their client, or all clients, had too many."};
inline constexpr MetricName kTcpClosed{"keryx_tcp_closed_total",
                                       "Connections that a limit ended, by reason."};
inline constexpr MetricName kTcpPaused{
    "keryx_tcp_pauses_total",
    "Times that a connection was not read: too many of its queries or replies were under way."};
inline constexpr MetricName kHttpClosed{
    "keryx_http_closed_total",
    "Connections to health, ready, metrics and status that a limit ended, by reason."};
inline constexpr MetricName kLostLogLines{"keryx_lost_log_lines_total",
                                          "Lines of log and errors that were not written."};
inline constexpr MetricName kLimited{
    "keryx_limited_queries_total",
    "Queries that a client had over its limit, by limit and by what became of them."};
inline constexpr MetricName kLimitEvictions{
    "keryx_limit_table_evictions_total",
    "Clients that were forgotten before their budget was whole again: a table was full."};
inline constexpr MetricName kShedForwards{
    "keryx_shed_forwards_total",
    "Queries for upstreams that were refused because more came than could be answered."};
inline constexpr MetricName kForwarded{"keryx_forwarded_total",
                                       "Queries that were given to upstreams."};
inline constexpr MetricName kPendingForwards{"keryx_pending_forwards",
                                             "Queries that wait for upstreams now.", Gauge};
inline constexpr MetricName kMergedForwards{
    "keryx_merged_forwards_total", "Queries that joined an equal one that waited already."};
inline constexpr MetricName kFailovers{"keryx_forward_failovers_total",
                                       "Replies passed over for their response code."};
inline constexpr MetricName kUpstreamQueries{"keryx_upstream_queries_total",
                                             "Messages sent to an upstream, repeats included."};
inline constexpr MetricName kUpstreamFailures{
    "keryx_upstream_failures_total",
    "Messages to an upstream that came to nothing: time-outs, errors, wrong replies."};
inline constexpr MetricName kUpstreamStrays{
    "keryx_upstream_stray_packets_total",
    "Datagrams from an upstream's address that answer nothing that was asked."};
inline constexpr MetricName kUpstreamAbandoned{
    "keryx_upstream_abandoned_sockets_total",
    "Sockets closed because somebody guessed at replies; their questions went on over TCP."};
inline constexpr MetricName kUpstreamDown{"keryx_upstream_down",
                                          "1 while probes of an upstream fail.", Gauge};
inline constexpr MetricName kUpstreamLoops{
    "keryx_upstream_loops", "1 while an upstream sends questions back to us.", Gauge};

inline constexpr MetricName kCpuSeconds{"process_cpu_seconds_total",
                                        "CPU time of the process, user and system."};
inline constexpr MetricName kOpenFds{"process_open_fds", "Open file descriptors.", Gauge};
inline constexpr MetricName kMaxFds{"process_max_fds", "Most file descriptors that may be open.",
                                    Gauge};
inline constexpr MetricName kVirtualMemory{"process_virtual_memory_bytes", "Virtual memory.",
                                           Gauge};
inline constexpr MetricName kResidentMemory{"process_resident_memory_bytes", "Resident memory.",
                                            Gauge};
inline constexpr MetricName kStartTime{"process_start_time_seconds",
                                       "When the process was started, since 1970.", Gauge};

}  // namespace metric
}  // namespace server
