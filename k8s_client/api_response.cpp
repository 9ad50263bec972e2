#include "k8s_client/api_response.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "k8s_client/json_reader.h"
#include "k8s_client/one_line_journal.h"

namespace k8s_client {
namespace {

constexpr std::size_t kMaxErrorBody = std::size_t{64} << 10;
constexpr std::size_t kMaxLine = kMaxJsonToken;

class StatusReceiver : public ObjectReceiver {
  public:
    void take(Object, std::size_t) override {}
    void skip(const std::string&) override {}
    void pass_over(std::string_view) override {}
    void status(const ApiStatus& status) override { found = status; }

    std::optional<ApiStatus> found;
};

/// https://kubernetes.io/docs/reference/using-api/api-concepts/, RFC 9110 §15.5
Ending::Kind kind_of(std::int64_t code) {
    switch (code) {
        case 400:
        case 422:
            return Ending::Kind::Invalid;
        case 401:
        case 403:
            return Ending::Kind::Refused;
        case 404:
            return Ending::Kind::NotFound;
        case 410:
            return Ending::Kind::Expired;
        case 429:
            return Ending::Kind::Throttled;
        default:
            return Ending::Kind::Failed;
    }
}

/// A response that is no success: a Status, or what a proxy in between has to say.
Ending ending_of_error(const HttpHead& head, const std::string& body) {
    StatusReceiver receiver;
    ObjectDecoder decoder(receiver);
    const auto read = read_json(body, decoder);
    ApiStatus status;
    if (read && receiver.found) {
        status = *receiver.found;
    } else {
        constexpr std::size_t kShown = 200;
        status.message = OneLineJournal::one_line(body.substr(0, kShown));
    }
    status.code = head.status;
    Ending ending = ending_of(status);
    if (head.retry_after) {
        ending.retry_after = head.retry_after;
    }
    return ending;
}

Ending ending_of(HttpFailure failure) {
    switch (failure.kind) {
        case HttpFailure::Kind::Stopped:
            return {Ending::Kind::Stopped, 0, std::move(failure.text), {}};
        case HttpFailure::Kind::Broken:
        case HttpFailure::Kind::GivenUp:
            return {Ending::Kind::Broken, 0, std::move(failure.text), {}};
        case HttpFailure::Kind::Silent:
            return {Ending::Kind::Silent, 0, std::move(failure.text), {}};
        case HttpFailure::Kind::Tls:
        case HttpFailure::Kind::Credentials:
            return {Ending::Kind::Untrusted, 0, std::move(failure.text), {}};
        case HttpFailure::Kind::Connect:
            break;
    }
    return {Ending::Kind::Connect, 0, std::move(failure.text), {}};
}

/// The part that both shapes share: a response that is no success is kept as text.
class ResponseBody : public HttpBody {
  public:
    explicit ResponseBody(Heartbeat& heartbeat) : heartbeat_(heartbeat) {}

    bool head(const HttpHead& head) override {
        heartbeat_.beat();
        head_ = head;
        return head.status != HttpHead::kOk || begin();
    }
    bool chunk(std::string_view octets) override {
        heartbeat_.beat();
        if (head_.status == HttpHead::kOk) {
            return take(octets);
        }
        error_ += octets.substr(0, kMaxErrorBody - std::min(kMaxErrorBody, error_.size()));
        return error_.size() < kMaxErrorBody;
    }

    /// `fault`: what was wrong with what was taken; empty if nothing.
    Ending ending(tl::expected<void, HttpFailure> got, const std::string& fault) const {
        if (!got && got.error().kind == HttpFailure::Kind::Stopped) {
            return ending_of(std::move(got.error()));
        }
        if (head_.status != 0 && head_.status != HttpHead::kOk) {
            return ending_of_error(head_, error_);
        }
        if (!got && got.error().kind != HttpFailure::Kind::GivenUp) {
            return ending_of(std::move(got.error()));
        }
        if (!fault.empty()) {
            return {Ending::Kind::Malformed, 0, fault, {}};
        }
        return {};
    }

  protected:
    virtual bool begin() = 0;
    virtual bool take(std::string_view octets) = 0;

  private:
    Heartbeat& heartbeat_;
    HttpHead head_;
    std::string error_;
};

/// From the thread that receives to the one that decodes; what waits between them is bounded.
class PieceChannel : public TextPieces {
  public:
    /// False: the reader has ended.
    bool put(std::string_view octets) {
        constexpr std::size_t kMaxWaiting = std::size_t{128} << 10;
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return waiting_.size() < kMaxWaiting || closed_; });
        waiting_ += octets;
        changed_.notify_all();
        return !closed_;
    }
    /// By either side: nothing more comes, or nothing more is wanted.
    void close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        changed_.notify_all();
    }
    std::string_view next() override {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !waiting_.empty() || closed_; });
        current_.clear();
        std::swap(current_, waiting_);
        changed_.notify_all();
        return current_;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::string waiting_;
    std::string current_;  // the reader's
    bool closed_ = false;
};

class DocumentBody : public ResponseBody {
  public:
    DocumentBody(ObjectReceiver& receiver, Heartbeat& heartbeat)
        : ResponseBody(heartbeat), receiver_(receiver) {}
    ~DocumentBody() override { finish(); }
    DocumentBody(const DocumentBody&) = delete;
    DocumentBody& operator=(const DocumentBody&) = delete;

    /// Waits until all is decoded; what was wrong with it.
    const std::string& finish() {
        channel_.close();
        if (thread_.joinable()) {
            thread_.join();
        }
        return fault_;
    }

  protected:
    bool begin() override {
        try {
            thread_ = std::thread([this] { decode(); });
        } catch (const std::system_error& error) {  // a pod's limit of processes
            fault_ = std::string("no thread to decode the list: ") + error.what();
        }
        return fault_.empty();
    }
    bool take(std::string_view octets) override { return channel_.put(octets); }

  private:
    void decode() {
        ObjectDecoder decoder(receiver_);
        const auto read = read_json(channel_, decoder);
        if (!read) {
            fault_ = "the list is malformed at octet " + std::to_string(read.error().offset) +
                     ": " + read.error().why;
        }
        channel_.close();
    }

    ObjectReceiver& receiver_;
    PieceChannel channel_;
    std::string fault_;  // the thread's until it has been joined
    std::thread thread_;
};

class TextBody : public ResponseBody {
  public:
    TextBody(std::string& text, Heartbeat& heartbeat) : ResponseBody(heartbeat), text_(text) {}

    bool too_long() const { return text_.size() > kMaxText; }

  protected:
    bool begin() override { return true; }
    bool take(std::string_view octets) override {
        text_ += octets;
        return !too_long();
    }

  private:
    static constexpr std::size_t kMaxText = std::size_t{256} << 10;
    std::string& text_;
};

class EventsBody : public ResponseBody {
  public:
    EventsBody(ObjectReceiver& receiver, WatchProgress& progress, Heartbeat& heartbeat)
        : ResponseBody(heartbeat), decoder_(receiver, watch_event_node()), progress_(progress) {}

    const std::string& fault() const { return fault_; }

  protected:
    bool begin() override { return progress_.begun(); }

    bool take(std::string_view octets) override {
        while (fault_.empty()) {
            const std::size_t end = octets.find('\n');
            if (end == std::string_view::npos) {
                break;
            }
            take_line_end(octets.substr(0, end));
            octets.remove_prefix(end + 1);
        }
        line_ += octets;
        if (fault_.empty() && line_.size() > kMaxLine) {
            fault_ = "an event of more than 16 MiB";
        }
        // What came before the fault counts.
        return progress_.events_decoded() && fault_.empty();
    }

  private:
    void take_line_end(std::string_view end) {
        if (line_.empty()) {
            decode(end);
            return;
        }
        line_ += end;
        decode(line_);
        line_.clear();
        line_.shrink_to_fit();
    }

    void decode(std::string_view line) {
        const auto read = read_json(line, decoder_);
        if (!read) {
            fault_ = "an event is malformed: " + read.error().why;
        }
    }

    ObjectDecoder decoder_;
    WatchProgress& progress_;
    std::string line_;  // the begin of one whose end has not come
    std::string fault_;
};

}  // namespace

Ending ending_of(const ApiStatus& status) {
    constexpr std::string_view kTooLarge = "ResourceVersionTooLarge";
    constexpr std::int64_t kMaxRetryAfter = 3600;
    Ending ending{kind_of(status.code), static_cast<int>(status.code), status.message, {}};
    if (status.retry_after > 0) {
        ending.retry_after = std::chrono::seconds(std::min(status.retry_after, kMaxRetryAfter));
    }
    // Before Kubernetes 1.20 the message alone says it.
    if (std::find(status.causes.begin(), status.causes.end(), kTooLarge) != status.causes.end() ||
        status.message.find("Too large resource version") != std::string::npos) {
        ending.kind = Ending::Kind::TooLarge;
    }
    return ending;
}

Ending get_document(HttpGet& http, const HttpRequest& request, ObjectReceiver& receiver,
                    Heartbeat& heartbeat) {
    DocumentBody body(receiver, heartbeat);
    auto got = http.get(request, body);
    const std::string& fault = body.finish();
    return body.ending(std::move(got), fault);
}

Ending get_events(HttpGet& http, const HttpRequest& request, ObjectReceiver& receiver,
                  WatchProgress& progress, Heartbeat& heartbeat) {
    EventsBody body(receiver, progress, heartbeat);
    auto got = http.get(request, body);
    return body.ending(std::move(got), body.fault());
}

Ending get_text(HttpGet& http, const HttpRequest& request, std::string& text,
                Heartbeat& heartbeat) {
    TextBody body(text, heartbeat);
    auto got = http.get(request, body);
    return body.ending(std::move(got), body.too_long() ? "a response of more than 256 KiB" : "");
}

}  // namespace k8s_client
