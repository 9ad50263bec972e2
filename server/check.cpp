#include "server/check.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "k8s_client/manifests.h"
#include "server/announcement.h"
#include "server/api_config.h"
#include "server/config_listen.h"
#include "server/process.h"
#include "server/routing.h"
#include "server/settings.h"
#include "server/sockets.h"

namespace server {
namespace {

using Lines = std::vector<std::string>;

/// Warnings are kept as lines; what is read successfully is none.
class Warnings : public k8s_client::Journal {
  public:
    explicit Warnings(Lines& lines) : lines_(lines) {}
    void write(Level level, const std::string& text) override {
        if (level != Level::Info) {
            lines_.emplace_back(text);
        }
    }

  private:
    Lines& lines_;
};

/// What only a start would find out of files that the Corefile names.
void look_at_source(const KubernetesConfig& kubernetes, Lines& notices) {
    if (!kubernetes.manifests.empty()) {
        Warnings warnings(notices);
        k8s_client::read_manifests(kubernetes.manifests, warnings);
        return;
    }
    const bool as_pod = kubernetes.api.kubeconfig.empty() && kubernetes.api.endpoint.empty();
    if (as_pod && k8s_client::service_environment().host.empty()) {
        notices.emplace_back(
            "plugin/kubernetes: not in a pod: how the API server is found has not "
            "been looked at");
        return;
    }
    api_access_of(kubernetes.api);
}

/// The lines below the first are set off.
void add_paragraph(const ServerBlock& block, Lines& lines) {
    Lines paragraph = block_lines(block);
    std::ranges::copy(settings_of(block), std::back_inserter(paragraph));
    for (std::size_t i = 0; i < paragraph.size(); ++i) {
        lines.push_back((i == 0 ? "" : "    ") + paragraph[i]);
    }
}

std::string listen_line(const Listen& listen) {
    const std::string where = listen.of_every_address
                                  ? fmt::format("dns://:{} (every address)", listen.port)
                                  : to_string(listen);
    return "listens on " + where + ", UDP and TCP";
}

}  // namespace

Lines check(const CommandLine& command_line) {
    const LoadOptions options = read_corefile(command_line);
    Config config = load_config(options);
    expand_wildcards(config);
    Lines notices = config.notices;
    RoutingNotices told;
    told.at_load = [&](const std::string& text) { notices.push_back(text); };
    make_routing(config, {}, zones::HashKey{}, told);
    Lines lines;
    for (const ServerBlock& block : config.blocks) {
        if (block.kubernetes) {
            look_at_source(*block.kubernetes, notices);
        }
        add_paragraph(block, lines);
    }
    for (const Listen& listen : listens_of(config)) {
        lines.push_back(listen_line(listen));
    }
    if (config.status) {
        lines.push_back(status_text(*config.status));
    }
    lines.push_back(reload_text(config.reload));
    const unsigned workers = count_of_workers(command_line, config);
    lines.push_back(fmt::format("{} worker{}", workers, workers == 1 ? "" : "s"));
    for (const std::string& notice : notices) {
        lines.push_back("notice: " + notice);
    }
    lines.push_back(options.file + ": valid");
    return lines;
}

}  // namespace server
