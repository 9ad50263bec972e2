#include "server/explain.h"

#include <algorithm>

#include "k8s_client/api_details.h"
#include "k8s_client/manifest_details.h"
#include "server/api_config.h"
#include "server/cold_pipeline.h"
#include "server/explain_clusters.h"
#include "server/explain_findings.h"
#include "server/explain_service.h"
#include "server/forward_text.h"
#include "server/log_format.h"
#include "server/name_likelihood.h"
#include "server/version.h"
#include "zones/presentation.h"

namespace server {
namespace {

constexpr std::size_t kMostServices = 4;  // that are shown

// How likely a name was meant, beside likelihood_of().
constexpr unsigned kAnswered = 100;
constexpr unsigned kLeads = 90;  // a CNAME
constexpr unsigned kAsked = 50;  // the only one that is tried
constexpr unsigned kAsIs = 15;   // without a search domain

/// `.:53`
std::string block_text(const ServerBlock& block) {
    std::string text;
    for (const ZoneKey& key : block.keys) {
        const std::string port =
            key.listens.empty() ? "" : ":" + std::to_string(key.listens.front().port);
        text += (text.empty() ? "" : " ") + key.zone.to_string() + port;
    }
    return text;
}

/// One explanation while it grows.
class Explaining {
  public:
    Explaining(const ExplainQuestion& question, const Config& config, const Routing& running,
               const OpenDetails& open)
        : cold_(config, running), clusters_(cold_, question, open) {
        evidence_.question = question;
        evidence_.held_down = held_down(running.metrics);
    }

    Explanation run(const ExplainRequest& request);

  private:
    struct Asked {
        zones::Name qname;
        ColdPipeline::Answer answer;
        std::optional<zones::ReplyText> reply;
    };

    void find_pod();
    void make_search_list();
    void ask_all();
    void ask_each();
    ExplainedStep ask(const zones::Name& qname, Asked& asked);
    bool answers(const zones::ReplyText& reply) const;
    unsigned rank(const Asked& asked) const;
    void choose_subject();
    void follow_cnames();
    void add_services();
    void add_service(const ExplainClusters::Place& place);
    void add_chain();
    void add_message();

    ColdPipeline cold_;
    NameEvidence evidence_;
    ExplainClusters clusters_;
    std::vector<zones::Name> search_;
    std::vector<Asked> asked_;  // as out_.steps, as far as they are asked
    std::vector<ServiceEvidence> services_;
    Explanation out_;
};

/// The namespace that short names are looked for in.
void Explaining::find_pod() {
    evidence_.pod_ns = evidence_.question.ns;
    if (evidence_.question.from) {
        out_.from = zones::to_string(*evidence_.question.from);
        const Block* const own = clusters_.own();
        if (auto* const details =
                own == nullptr ? nullptr : clusters_.details_of(*own, out_.notes)) {
            const auto pod = details->pod_at(out_.from);
            if (!pod) {
                out_.notes.push_back(printable(pod.error()));
            } else if (!*pod) {
                out_.notes.push_back("no pod has the address " + out_.from);
            } else {
                out_.pod = printable((*pod)->ns + "/" + (*pod)->name);
                evidence_.pod_ns = evidence_.pod_ns.empty() ? (*pod)->ns : evidence_.pod_ns;
            }
        }
    }
    if (evidence_.pod_ns.empty() || !zones::is_host_label(evidence_.pod_ns)) {
        evidence_.pod_ns = "default";
    }
    out_.ns = evidence_.pod_ns;
}

bool Explaining::answers(const zones::ReplyText& reply) const {
    const auto qtype = evidence_.question.qtype;
    return reply.rcode == 0 &&
           std::ranges::any_of(reply.records, [&](const zones::RecordText& record) {
               return record.section == zones::Section::Answer &&
                      (record.type == qtype || qtype == zones::qtype::kAny);
           });
}

ExplainedStep Explaining::ask(const zones::Name& qname, Asked& asked) {
    static const zones::Address kLoopback = *zones::parse_address("127.0.0.1");
    const auto qtype = evidence_.question.qtype;
    asked.qname = qname;
    asked.answer =
        cold_.ask(qname, qtype, clusters_.route(), evidence_.question.from.value_or(kLoopback));
    asked.reply = zones::read_reply_text(asked.answer.message);
    ExplainedStep step;
    step.name = qname.to_string();
    step.asked = true;
    step.plugin = name_of(asked.answer.author);
    if (const Block* const block = cold_.block_for(qname, qtype, clusters_.route())) {
        step.server_block = block_text(*block->config);
    }
    if (!asked.reply) {
        step.rcode = "no reply";
        return step;
    }
    step.rcode = rcode_text(asked.reply->rcode);
    step.records = asked.reply->count(zones::Section::Answer);
    step.answers = answers(*asked.reply);
    if (asked.reply->extended_error) {
        step.reason = "EDE " + std::to_string(*asked.reply->extended_error);
        const std::string text = printable(asked.reply->extended_text);
        step.reason += text.empty() ? "" : ": " + text;
    }
    return step;
}

void Explaining::make_search_list() {
    const Block* const own = clusters_.own();
    if (own == nullptr) {
        out_.notes.emplace_back("no server block has the plugin kubernetes");
    } else if (!evidence_.question.absolute) {
        const auto& options = own->config->kubernetes->options;
        search_ = search_list(evidence_.pod_ns, primary_zone(options));
        for (const zones::Name& zone : search_) {
            out_.search.push_back(zone.to_string());
        }
    }
}

/// As a resolver does: until one answers.
void Explaining::ask_each() {
    out_.found = false;
    out_.steps.clear();
    asked_.clear();
    for (const zones::Name& name : names_to_try(evidence_.question, search_)) {
        if (out_.found) {
            out_.steps.emplace_back().name = name.to_string();
            continue;
        }
        out_.steps.push_back(ask(name, asked_.emplace_back()));
        out_.found = out_.steps.back().answers;
    }
}

/// All of one snapshot, which the rest is then about; unless one follows the other all the time.
void Explaining::ask_all() {
    constexpr int kAttempts = 3;
    for (int i = 0; i < kAttempts; ++i) {
        clusters_.take_snapshots();
        cold_.refresh();
        ask_each();
        if (clusters_.unchanged()) {
            return;
        }
    }
}

unsigned Explaining::rank(const Asked& asked) const {
    if (asked.reply && answers(*asked.reply)) {
        return kAnswered;
    }
    const auto place = clusters_.place_of(asked.qname);
    const bool leads = asked.reply && asked.reply->count(zones::Section::Answer) > 0;
    if (leads || !place) {
        return leads ? kLeads : evidence_.question.absolute ? kAsked : kAsIs;
    }
    const bool nodata = asked.reply && asked.reply->rcode == 0;
    return likelihood_of(place->name, nodata, *clusters_.snapshot_of(*place->block));
}

void Explaining::choose_subject() {
    std::size_t best = 0;
    for (std::size_t i = 1; i < asked_.size(); ++i) {
        if (rank(asked_[i]) > rank(asked_[best])) {
            best = i;
        }
    }
    const Asked& subject = asked_[best];
    out_.subject = best;
    evidence_.qname = subject.qname;
    evidence_.replied = subject.reply.has_value();
    evidence_.reply = subject.reply.value_or(zones::ReplyText{});
    evidence_.answered = out_.found;
    evidence_.plugin = out_.steps[best].plugin;
    if (const Block* const block =
            cold_.block_for(subject.qname, evidence_.question.qtype, clusters_.route())) {
        evidence_.block = block->config;
    }
    evidence_.upstream = subject.answer.upstream;
    const auto place = clusters_.place_of(subject.qname);
    if (place) {
        evidence_.in_cluster = place->name;
    }
    if (const Block* const block = place ? place->block : clusters_.own()) {
        evidence_.cluster = &*block->config->kubernetes;
        evidence_.snapshot = clusters_.snapshot_of(*block);
    }
    follow_cnames();
}

void Explaining::follow_cnames() {
    evidence_.last = evidence_.qname;
    for (const zones::RecordText& record : evidence_.reply.records) {
        if (record.section == zones::Section::Answer && record.type == zones::qtype::kCname) {
            evidence_.last = zones::Name::from_wire(record.target).value_or(evidence_.last);
        }
    }
    const Block* const block =
        cold_.block_for(evidence_.last, evidence_.question.qtype, clusters_.route());
    evidence_.last_block = block == nullptr ? nullptr : block->config;
    evidence_.last_in_cluster = clusters_.place_of(evidence_.last).has_value();
}

void Explaining::add_service(const ExplainClusters::Place& place) {
    const ClusterName& name = place.name;
    const auto same = [&](const ServiceEvidence& known) {
        return known.cluster == &*place.block->config->kubernetes &&
               known.ns == label_text(name.ns) && known.name == label_text(name.service);
    };
    if (name.below != ClusterName::Below::Service || services_.size() == kMostServices ||
        std::ranges::any_of(services_, same)) {
        return;
    }
    ServiceEvidence service;
    service.cluster = &*place.block->config->kubernetes;
    service.ns = label_text(name.ns);
    service.name = label_text(name.service);
    service.records = find_service(*clusters_.snapshot_of(*place.block), name.service, name.ns);
    // Of a Service that the server does not have, its source may know.
    const bool may_exist = zones::is_host_label(name.service) && zones::is_host_label(name.ns);
    auto* const details = may_exist ? clusters_.details_of(*place.block, out_.notes) : nullptr;
    if (details != nullptr) {
        service.view = details->look_at(name.ns, name.service);
        for (const std::string& problem : service.view.problems) {
            out_.notes.push_back(printable(problem));
        }
    }
    if (service.records != nullptr || service.view.service) {
        services_.push_back(std::move(service));
    }
}

/// The Service that the name names, and those that its answer leads to.
void Explaining::add_services() {
    if (const auto place = clusters_.place_of(evidence_.qname);
        place && place->name.below == ClusterName::Below::Service) {
        evidence_.records = find_service(*evidence_.snapshot, place->name.service, place->name.ns);
        add_service(*place);
    }
    for (const zones::RecordText& record : evidence_.reply.records) {
        const bool leads = record.type == zones::qtype::kCname || record.type == zones::qtype::kPtr;
        const auto target = leads && record.section == zones::Section::Answer
                                ? zones::Name::from_wire(record.target)
                                : std::nullopt;
        if (const auto place = target ? clusters_.place_of(*target) : std::nullopt) {
            add_service(*place);
        }
    }
}

void Explaining::add_chain() {
    for (const zones::RecordText& record : evidence_.reply.records) {
        if (record.section != zones::Section::Answer || record.type != zones::qtype::kCname) {
            continue;
        }
        ExplainedLink link{record.owner, record.rdata, {}, {}};
        const auto target = zones::Name::from_wire(record.target);
        const Block* const block =
            target ? cold_.block_for(*target, evidence_.question.qtype, clusters_.route())
                   : nullptr;
        if (block != nullptr) {
            link.server_block = block_text(*block->config);
            const ForwardConfig* const line = forward_of(*block->config, *target);
            const bool ours = block->cluster != nullptr &&
                              read_cluster_name(*target, block->config->kubernetes->options);
            link.asks = ours              ? "kubernetes"
                        : line == nullptr ? ""
                                          : "forward " + forward_text(*line);
        }
        out_.chain.push_back(std::move(link));
    }
}

void Explaining::add_message() {
    const Asked& subject = asked_[*out_.subject];
    if (!subject.reply) {
        return;
    }
    const zones::ReplyText& reply = *subject.reply;
    out_.message.push_back(";; status: " + rcode_text(reply.rcode) +
                           ", flags: " + zones::flags_text(reply.flags2, reply.flags3));
    if (reply.extended_error) {
        out_.message.push_back(";; " + out_.steps[*out_.subject].reason);
    }
    out_.message.push_back(';' + subject.qname.to_string() + " IN " +
                           zones::type_to_string(evidence_.question.qtype));
    for (const zones::RecordText& record : reply.records) {
        out_.message.push_back(record.line());
    }
}

Explanation Explaining::run(const ExplainRequest& request) {
    out_.name = printable(request.name);
    out_.type = zones::type_to_string(evidence_.question.qtype);
    find_pod();
    make_search_list();
    ask_all();
    choose_subject();
    add_services();
    add_chain();
    add_message();
    add_server_findings(evidence_, out_.findings);
    add_name_findings(evidence_, out_.findings);
    add_search_findings(evidence_.question, out_.steps, out_.findings);
    for (const ServiceEvidence& service : services_) {
        out_.services.push_back(explain_service(service, service.cluster->options));
        add_service_findings(service, evidence_, out_.findings);
    }
    std::ranges::stable_sort(out_.findings, std::ranges::greater{}, &Finding::weight);
    return std::move(out_);
}

}  // namespace

std::unique_ptr<k8s_client::DetailSource> open_details(const KubernetesConfig& config) {
    if (!config.manifests.empty()) {
        return std::make_unique<k8s_client::ManifestDetails>(config.manifests);
    }
    return std::make_unique<k8s_client::ApiDetails>(api_access_of(config.api),
                                                    std::string("Keryx/") + kVersion);
}

tl::expected<Explanation, std::string> explain(const ExplainRequest& request, const Config& config,
                                               const Routing& running, const OpenDetails& details) {
    const auto question = read_question(request);
    if (!question) {
        return tl::unexpected(question.error());
    }
    if (running.routes.empty()) {
        return tl::unexpected(std::string("the Corefile has no server block"));
    }
    try {
        return Explaining(*question, config, running, details).run(request);
    } catch (const ConfigError& error) {
        return tl::unexpected(printable(error.what()));
    }
}

}  // namespace server
