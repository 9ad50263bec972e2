// The usual reasons why a Service's name does not work, each with its cure.
// Knows the troubleshooting of Services
// (https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/) and what applies of it;
// asks nobody anything. Free functions; any thread.
#pragma once

#include <vector>

#include "server/explain_evidence.h"
#include "server/explanation.h"

namespace server {

/// About the name: what is misspelled or missing in it, or who refuses it.
void add_name_findings(const NameEvidence& name, std::vector<Finding>& out);

/// About what the server has to answer from, and the upstreams.
void add_server_findings(const NameEvidence& name, std::vector<Finding>& out);

/// About the names that are tried: where another resolver than glibc's stops before the answer.
void add_search_findings(const ExplainQuestion& question, const std::vector<ExplainedStep>& steps,
                         std::vector<Finding>& out);

/// About one Service behind the name: its endpoints and pods.
void add_service_findings(const ServiceEvidence& service, const NameEvidence& name,
                          std::vector<Finding>& out);

/// About the port in front of a Service's name, or behind it.
void add_port_findings(const ServiceEvidence& service, const NameEvidence& name,
                       std::vector<Finding>& out);

/// The ports of a Service: `http 80/TCP and dns 53/UDP`.
std::string ports_text(const ServiceEvidence& service);

/// A command that tries a port of it; empty if none can be tried so.
std::string test_command(const ServiceEvidence& service);

/// `http 80/TCP`, `80/TCP` of an unnamed port.
std::string port_text(std::string_view name, unsigned port, std::string_view protocol);

/// `a`, `a and b`, `a, b and c`
std::string listed(const std::vector<std::string>& words);

}  // namespace server
