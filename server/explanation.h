// Why a name has the answer that it has, or none: what `keryx explain` shows.
// Values without behaviour; explain.h fills them, explain_text.h and explain_json.h write them.
// Every text is printable: names in presentation form, what others wrote without control
// characters.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace server {

/// As it was asked, on the command line or over HTTP.
struct ExplainRequest {
    std::string name;  // as a pod would write it: a search list is applied; or an address
    std::string type;  // empty: A, or PTR of an address
    std::string from;  // the address of the pod that asks; empty: any pod
    std::string ns;    // the namespace of the pod that asks; empty: that of `from`, else `default`
};

/// One name that a pod's resolver tries.
struct ExplainedStep {
    std::string name;
    bool asked = false;  // not, if one before it answered
    std::string rcode;
    std::size_t records = 0;  // of the answer section
    bool answers = false;
    std::string server_block;  // `.:53`; empty: none serves it
    std::string plugin;        // who wrote the reply; empty: the server itself
    std::string reason;        // of an Extended DNS Error (RFC 8914)
};

struct ExplainedPort {
    std::string name, protocol;
    unsigned port = 0;
    std::string target_port;  // empty: not known
    unsigned node_port = 0;   // 0: none
};

struct ExplainedEndpoint {
    std::string address;
    bool in = false;  // the Service's names have it
    std::string why;  // it is in, or out
    std::optional<bool> ready, serving, terminating;
    std::string hostname;
    std::string target;  // `Pod kubia-0`
    std::string node;
};

struct ExplainedSlice {
    std::string kind, name, address_type;
    std::vector<std::string> ports;  // `http 8080/TCP`
    std::vector<ExplainedEndpoint> endpoints;
};

struct ExplainedService {
    std::string ns, name;
    std::string type;
    bool headless = false;
    bool detailed = false;  // the object itself was seen, not only what the server keeps of it
    std::vector<std::string> cluster_ips;
    std::string external_name;
    std::vector<ExplainedPort> ports;
    std::vector<std::pair<std::string, std::string>> selector;
    bool publish_not_ready_addresses = false;
    std::vector<ExplainedSlice> slices;
};

/// A CNAME of the answer, and who knows where it leads.
struct ExplainedLink {
    std::string owner, target;
    std::string server_block;  // that the target is asked of; empty: none
    std::string asks;          // `kubernetes`, `forward . to 192.0.2.53:53`
};

/// What is known to go wrong, and applies.
struct Finding {
    enum class Weight { Note, Warning, Error };  // an Error is why there is no answer
    std::string_view code;                       // `pod-not-ready`; never changes its meaning
    Weight weight = Weight::Error;
    std::string cause, cure;
};

struct Explanation {
    std::string name, type;  // as asked
    std::string ns;          // of the pod that asks
    std::string pod;         // `default/kubia-0`; empty without `from`
    std::string from;
    std::vector<std::string> search;
    std::vector<ExplainedStep> steps;
    bool found = false;
    std::optional<std::size_t> subject;  // the step that the rest is about
    std::vector<ExplainedService> services;
    std::vector<ExplainedLink> chain;
    std::vector<std::string> message;  // as dig prints it
    std::vector<Finding> findings;
    std::vector<std::string> notes;  // what could not be looked at, and why
};

}  // namespace server
