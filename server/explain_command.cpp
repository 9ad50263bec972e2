#include "server/explain_command.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <unistd.h>
#include <vector>

#include <rapidjson/document.h>

#include "k8s_client/manifests.h"
#include "k8s_client/percent_encoding.h"
#include "server/cluster_source.h"
#include "server/config_listen.h"
#include "server/explain.h"
#include "server/explain_json.h"
#include "server/explain_question.h"
#include "server/explain_text.h"
#include "server/sockets.h"
#include "server/status_client.h"

namespace server {
namespace {

constexpr int kFound = 0;
constexpr int kNotFound = 1;
constexpr int kFailed = 2;

/// What a source has to say becomes part of the explanation.
class Notes : public k8s_client::Journal {
  public:
    void write(Level level, const std::string& text) override {
        constexpr std::size_t kMost = 20;
        const std::lock_guard lock(mutex_);
        if (level != Level::Info && lines_.size() < kMost) {
            lines_.push_back(printable(text));
        }
    }
    std::vector<std::string> lines() const {
        const std::lock_guard lock(mutex_);
        return lines_;
    }

  private:
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
};

/// https://no-color.org
bool wants_colours() {
    // NOLINTBEGIN(concurrency-mt-unsafe): nobody calls setenv
    const char* const no_color = std::getenv("NO_COLOR");
    const char* const term = std::getenv("TERM");
    // NOLINTEND(concurrency-mt-unsafe)
    return isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0') &&
           term != nullptr && std::string_view(term) != "dumb";
}

int report_failure(const std::string& why) {
    std::fprintf(stderr, "keryx: explain: %s\n", for_terminal(why, false).c_str());
    return kFailed;
}

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
}

std::vector<std::unique_ptr<ClusterSource>> start_sources(const Routing& routing, Notes& notes) {
    std::vector<std::unique_ptr<ClusterSource>> sources;
    for (const Block& block : routing.blocks) {
        if (block.cluster != nullptr) {
            sources.push_back(std::make_unique<ClusterSource>(*block.config->kubernetes,
                                                              *block.cluster, zones::HashKey{},
                                                              notes, nullptr, false));
        }
    }
    const auto start = std::chrono::steady_clock::now();
    for (const auto& source : sources) {
        while (!source->ready() &&
               std::chrono::steady_clock::now() - start < source->startup_timeout()) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
    }
    return sources;
}

/// Without a server: what it would read is read, and nothing is opened or written.
int explain_corefile(const CommandLine& command_line) {
    Config config = load_config(read_corefile(command_line));
    expand_wildcards(config);
    for (ServerBlock& block : config.blocks) {
        if (block.kubernetes) {
            block.kubernetes->api.snapshot.clear();
        }
    }
    const Routing routing = make_routing(config, listening_addresses(config), {});
    Notes notes;
    const auto sources = start_sources(routing, notes);
    auto explanation = explain(command_line.explain->request, config, routing);
    if (!explanation) {
        return report_failure(explanation.error());
    }
    std::ranges::copy(notes.lines(), std::back_inserter(explanation->notes));
    if (command_line.explain->json) {
        print(explanation_json(*explanation) + '\n');
    } else {
        print(for_terminal(explanation_text(*explanation, wants_colours()), wants_colours()));
    }
    return explanation->found ? kFound : kNotFound;
}

std::string target_of(const ExplainLine& line, bool colours) {
    const auto& request = line.request;
    std::string target =
        "/api/explain?format=json&name=" + k8s_client::percent_encoded(request.name);
    const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty()) {
            target += std::string("&") + name + '=' + k8s_client::percent_encoded(value);
        }
    };
    add("type", request.type);
    add("from", request.from);
    add("namespace", request.ns);
    if (!line.json) {
        add("text", colours ? "colour" : "plain");
    }
    return target;
}

int show(const ExplainLine& line, const std::string& body, bool colours) {
    rapidjson::Document document;
    document.Parse<rapidjson::kParseIterativeFlag>(body.data(), body.size());
    if (document.HasParseError() || !document.IsObject() || !document.HasMember("found") ||
        !document["found"].IsBool()) {
        return report_failure("the reply of the server is no explanation");
    }
    if (line.json) {
        print(for_terminal(body, false) + '\n');
    } else if (document.HasMember("text") && document["text"].IsString()) {
        const auto& text = document["text"];
        print(for_terminal({text.GetString(), text.GetStringLength()}, colours));
    }
    return document["found"].GetBool() ? kFound : kNotFound;
}

int explain_by_server(const ExplainLine& line) {
    const bool colours = wants_colours();
    const auto body = ask_status(line.server, target_of(line, colours));
    return body ? show(line, *body, colours) : report_failure(body.error());
}

}  // namespace

std::string for_terminal(std::string_view text, bool colours) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto octet = static_cast<unsigned char>(text[i]);
        if (octet == 0x1b && colours && text.substr(i).starts_with("\x1b[")) {
            const std::size_t end = text.find_first_not_of("0123456789;", i + 2);
            if (end != std::string_view::npos && text[end] == 'm') {
                out += text.substr(i, end + 1 - i);
                i = end;
                continue;
            }
        }
        const bool control = (octet < 0x20 && octet != '\n') || octet == 0x7f;
        out += control ? '?' : text[i];
    }
    return out;
}

int run_explain(const CommandLine& command_line) {
    std::signal(SIGPIPE, SIG_IGN);  // what connections need; who reads no more gets no more
    try {
        const bool by_corefile = command_line.conf_given;
        return by_corefile ? explain_corefile(command_line)
                           : explain_by_server(*command_line.explain);
    } catch (const std::exception& error) {
        return report_failure(error.what());
    }
}

}  // namespace server
