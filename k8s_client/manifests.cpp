#include "k8s_client/manifests.h"

#include <array>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "k8s_client/file_watch.h"
#include "k8s_client/manifest_files.h"
#include "k8s_client/object_kinds.h"
#include "k8s_client/object_table.h"
#include "k8s_client/one_line_journal.h"

namespace k8s_client {
namespace {

/// `read 3 objects of 1 file: 1 Service, 2 Pods; passed over 1 Deployment`
std::string summary_of(const std::vector<NamedContent>& files) {
    std::array<std::size_t, kKindCount> kept{};
    std::map<std::string, std::size_t> passed_over;
    std::size_t total = 0;
    for (const NamedContent& file : files) {
        for (const ManifestObject& object : file.content->objects) {
            ++kept.at(object.object.index());
        }
        for (const auto& [kind, count] : file.content->passed_over) {
            passed_over[kind] += count;
        }
        total += file.content->objects.size();
    }
    std::string text =
        "read " + count_of(total, "object") + " of " + count_of(files.size(), "file");
    const char* separator = ": ";
    for (std::size_t kind = 0; kind < kept.size(); ++kind) {
        if (kept[kind] > 0) {
            text += std::exchange(separator, ", ") + count_of(kept[kind], kind_name(kind));
        }
    }
    separator = "; passed over ";
    for (const auto& [kind, count] : passed_over) {
        text += std::exchange(separator, ", ") + count_of(count, kind);
    }
    return text;
}

/// The first look, which must find something that parses.
void expect_objects(ManifestFiles& files) {
    if (!files.look()) {
        throw ManifestError(OneLineJournal::one_line("manifests: " + files.why_empty()));
    }
}

}  // namespace

struct ManifestSource::Impl {
    Impl(ManifestOptions options, ObjectSink& object_sink, Journal& to);
    ~Impl();
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void run();
    void report_refused();
    void publish();

    ObjectSink& sink;
    OneLineJournal journal;
    FileWatch watch;
    ManifestFiles files;
    ObjectTable table;
    std::thread thread;
};

ManifestSource::Impl::Impl(ManifestOptions options, ObjectSink& object_sink, Journal& to)
    : sink(object_sink),
      journal(to),
      files(options.paths, watch, journal),
      table(std::move(options.labels), std::move(options.namespace_labels)) {
    expect_objects(files);
    report_refused();
    publish();
    sink.synced();
    if (!watch.has_inotify()) {
        journal.write(Journal::Level::Warning,
                      "manifests: no inotify; looking for changes every " +
                          std::to_string(FileWatch::kPollInterval.count()) + " s");
    }
    thread = std::thread([this] { run(); });
}

ManifestSource::Impl::~Impl() {
    watch.stop();
    thread.join();
}

void ManifestSource::Impl::run() {
    for (;;) {
        watch.wait();
        if (watch.stopped()) {
            return;
        }
        const bool changed = files.look();
        report_refused();
        if (changed) {
            publish();
        }
    }
}

void ManifestSource::Impl::report_refused() {
    const ManifestFiles::Refused refused = files.take_refused();
    for (std::size_t i = 0; i < refused.files; ++i) {
        sink.refused_file();
    }
    if (refused.objects > 0) {
        sink.refused_objects(refused.objects);
    }
}

void ManifestSource::Impl::publish() {
    std::vector<NamedContent> contents = files.contents();
    const std::string summary = summary_of(contents);
    const ObjectTable::Difference difference = table.replace(std::move(contents));
    for (const std::string& message : difference.duplicates) {
        journal.write(Journal::Level::Warning, "manifests: " + message);
    }
    if (!difference.changes.empty()) {
        sink.apply(difference.changes);
    }
    journal.write(Journal::Level::Info, "manifests: " + summary);
}

void read_manifests(const std::vector<std::filesystem::path>& paths, Journal& to) {
    OneLineJournal journal(to);
    FileWatch watch;
    ManifestFiles files(paths, watch, journal);
    expect_objects(files);
}

ManifestSource::ManifestSource(ManifestOptions options, ObjectSink& sink, Journal& journal)
    : impl_(std::make_unique<Impl>(std::move(options), sink, journal)) {}

ManifestSource::~ManifestSource() = default;

}  // namespace k8s_client
