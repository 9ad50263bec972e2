"""What CoreDNS exports under which name, type and labels, and what only we have.

Labels without `le`. Where a metric has no series until something happened, the traffic of
metrics_test.py makes it happen.
"""

SERVER = {"server", "zone", "view"}
CACHE = {"server", "zones", "view"}
PROXY = {"proxy_name", "to"}

# name -> (type, labels)
COREDNS = {
    "coredns_build_info": ("gauge", {"version", "revision", "goversion"}),
    "coredns_panics_total": ("counter", set()),
    "coredns_plugin_enabled": ("gauge", SERVER | {"name"}),
    "coredns_dns_requests_total": ("counter", SERVER | {"proto", "family", "type"}),
    "coredns_dns_request_duration_seconds": ("histogram", SERVER),
    "coredns_dns_request_size_bytes": ("histogram", SERVER | {"proto"}),
    "coredns_dns_do_requests_total": ("counter", SERVER),
    "coredns_dns_response_size_bytes": ("histogram", SERVER | {"proto"}),
    "coredns_dns_responses_total": ("counter", SERVER | {"rcode", "plugin"}),
    "coredns_cache_entries": ("gauge", CACHE | {"type"}),
    "coredns_cache_hits_total": ("counter", CACHE | {"type"}),
    "coredns_cache_requests_total": ("counter", CACHE),
    "coredns_cache_misses_total": ("counter", CACHE),
    "coredns_cache_prefetch_total": ("counter", CACHE),
    "coredns_cache_drops_total": ("counter", CACHE),
    "coredns_cache_served_stale_total": ("counter", CACHE),
    "coredns_cache_evictions_total": ("counter", CACHE | {"type"}),
    "coredns_forward_healthcheck_broken_total": ("counter", set()),
    "coredns_forward_max_concurrent_rejects_total": ("counter", set()),
    "coredns_proxy_request_duration_seconds": ("histogram", PROXY | {"rcode"}),
    "coredns_proxy_healthcheck_failures_total": ("counter", PROXY),
    "coredns_proxy_conn_cache_hits_total": ("counter", PROXY | {"proto"}),
    "coredns_proxy_conn_cache_misses_total": ("counter", PROXY | {"proto"}),
    "coredns_health_request_duration_seconds": ("histogram", set()),
    "coredns_health_request_failures_total": ("counter", set()),
    "coredns_reload_failed_total": ("counter", set()),
    "coredns_reload_version_info": ("gauge", {"hash", "value"}),
    "coredns_hosts_entries": ("gauge", {"hostsfile"}),
    "coredns_hosts_reload_timestamp_seconds": ("gauge", set()),
    "coredns_template_matches_total": ("counter", SERVER | {"class", "type"}),
    "coredns_template_rr_failures_total": ("counter",
                                           SERVER | {"class", "type", "section", "template"}),
    "coredns_acl_blocked_requests_total": ("counter", SERVER),
    "coredns_acl_filtered_requests_total": ("counter", SERVER),
    "coredns_acl_dropped_requests_total": ("counter", SERVER),
    "coredns_acl_allowed_requests_total": ("counter", {"server", "view"}),
    "coredns_kubernetes_dns_programming_duration_seconds": ("histogram", {"service_kind"}),
    "coredns_kubernetes_rest_client_request_duration_seconds": ("histogram", {"verb", "host"}),
    "coredns_kubernetes_rest_client_rate_limiter_duration_seconds": ("histogram", {"verb", "host"}),
    "coredns_kubernetes_rest_client_requests_total": ("counter", {"code", "method", "host"}),
}
# What only an API server brings.
FROM_API = {name for name in COREDNS if name.startswith("coredns_kubernetes_")} | {
    "keryx_api_data_age_seconds", "keryx_api_objects", "keryx_api_lists_total",
    "keryx_api_malformed_total", "keryx_api_repaired_objects_total", "keryx_snapshot_writes_total"}

OURS = {
    "keryx_build_info": ("gauge", {"version", "compiler"}),
    "keryx_workers": ("gauge", set()),
    "keryx_messages_total": ("counter", {"worker"}),
    "keryx_dropped_packets_total": ("counter", {"reason"}),
    "keryx_malformed_packets_total": ("counter", {"reason"}),
    "keryx_udp_overflows_total": ("counter", set()),
    "keryx_unsent_replies_total": ("counter", set()),
    "keryx_tcp_connections": ("gauge", set()),
    "keryx_tcp_evicted_total": ("counter", set()),
    "keryx_tcp_refused_total": ("counter", set()),
    "keryx_tcp_closed_total": ("counter", {"reason"}),
    "keryx_tcp_pauses_total": ("counter", set()),
    "keryx_http_closed_total": ("counter", {"reason"}),
    "keryx_lost_log_lines_total": ("counter", set()),
    "keryx_limited_queries_total": ("counter", SERVER | {"limit", "action"}),
    "keryx_limit_table_evictions_total": ("counter", set()),
    "keryx_shed_forwards_total": ("counter", set()),
    "keryx_forwarded_total": ("counter", set()),
    "keryx_pending_forwards": ("gauge", set()),
    "keryx_merged_forwards_total": ("counter", set()),
    "keryx_forward_failovers_total": ("counter", set()),
    "keryx_upstream_queries_total": ("counter", {"to"}),
    "keryx_upstream_failures_total": ("counter", {"to"}),
    "keryx_upstream_stray_packets_total": ("counter", {"to"}),
    "keryx_upstream_abandoned_sockets_total": ("counter", {"to"}),
    "keryx_upstream_down": ("gauge", {"to"}),
    "keryx_upstream_loops": ("gauge", {"to", "zone"}),
    "keryx_api_data_age_seconds": ("gauge", {"host", "resource"}),
    "keryx_api_objects": ("gauge", {"host", "resource"}),
    "keryx_api_lists_total": ("counter", {"host", "resource"}),
    "keryx_api_repaired_objects_total": ("counter", {"host"}),
    "keryx_api_malformed_total": ("counter", {"host", "resource"}),
    "keryx_refused_objects_total": ("counter", {"source"}),
    "keryx_refused_files_total": ("counter", {"file"}),
    "keryx_snapshot_writes_total": ("counter", {"result"}),
}
PROCESS = {
    "process_cpu_seconds_total": ("counter", set()),
    "process_open_fds": ("gauge", set()),
    "process_max_fds": ("gauge", set()),
    "process_virtual_memory_bytes": ("gauge", set()),
    "process_resident_memory_bytes": ("gauge", set()),
    "process_start_time_seconds": ("gauge", set()),
}
ALL = COREDNS | OURS | PROCESS

T = [0.00025 * 2 ** n for n in range(16)]
S = [0.00025 * 10 ** n for n in range(5)]
D = [.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10]
B = [0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16e3, 32e3, 48e3, 64e3]
BOUNDS = {
    "coredns_dns_request_duration_seconds": T,
    "coredns_dns_request_size_bytes": B,
    "coredns_dns_response_size_bytes": B,
    "coredns_proxy_request_duration_seconds": T,
    "coredns_health_request_duration_seconds": S,
    "coredns_kubernetes_dns_programming_duration_seconds": [0.001 * 2 ** n for n in range(20)],
    "coredns_kubernetes_rest_client_request_duration_seconds": D,
    "coredns_kubernetes_rest_client_rate_limiter_duration_seconds": D,
}
