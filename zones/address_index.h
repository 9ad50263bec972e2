// Which Services (or namespaces of pods) an address belongs to.
// A sorted set of (address, key) pairs in small immutable chunks: a copy shares all chunks but
// those an edit touched, a look-up is two binary searches, and a prefix of a reverse name is a
// range. Keys are hashes of names; whoever asks knows what they stand for. Immutable values; any
// thread may read.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

namespace zones {

template <typename Ip>
class AddressIndex {
  public:
    struct Entry {
        Ip address;
        std::uint32_t key_high = 0, key_low = 0;  // two halves, so that an IPv4 entry is 12 octets

        Entry() = default;
        Entry(const Ip& a, std::uint64_t key)
            : address(a),
              key_high(static_cast<std::uint32_t>(key >> 32)),
              key_low(static_cast<std::uint32_t>(key)) {}
        std::uint64_t key() const { return static_cast<std::uint64_t>(key_high) << 32 | key_low; }
        auto operator<=>(const Entry&) const = default;
    };

    AddressIndex() : chunks_(std::make_shared<const Chunks>()) {}

    /// Calls `visit(key)` for each key of `address`, in order, until it returns false.
    template <typename Visit>
    void for_each(const Ip& address, Visit visit) const {
        const Entry from(address, 0);
        for (auto chunk = first_chunk(from); chunk != chunks_->end(); ++chunk) {
            const auto& entries = **chunk;
            for (auto at = std::lower_bound(entries.begin(), entries.end(), from);
                 at != entries.end(); ++at) {
                if (at->address != address || !visit(at->key())) {
                    return;
                }
            }
        }
    }

    bool contains(const Ip& address, std::uint64_t key) const {
        const Entry entry(address, key);
        const auto chunk = first_chunk(entry);
        return chunk != chunks_->end() &&
               std::binary_search((*chunk)->begin(), (*chunk)->end(), entry);
    }

    bool any_between(const Ip& first, const Ip& last) const {
        const Entry from(first, 0);
        const auto chunk = first_chunk(from);
        return chunk != chunks_->end() &&
               std::lower_bound((*chunk)->begin(), (*chunk)->end(), from)->address <= last;
    }

    /// A copy without `removed`, with `added`; an entry in both is in the copy.
    AddressIndex edited(std::vector<Entry> added, std::vector<Entry> removed) const {
        if (added.empty() && removed.empty()) {
            return *this;
        }
        std::sort(added.begin(), added.end());
        added.erase(std::unique(added.begin(), added.end()), added.end());
        std::sort(removed.begin(), removed.end());
        auto chunks = std::make_shared<Chunks>();
        chunks->reserve(chunks_->size() + 1);
        auto add = added.cbegin();
        auto remove = removed.cbegin();
        auto rest = chunks_->begin();  // what has not been copied yet
        while (rest != chunks_->end() && (add != added.cend() || remove != removed.cend())) {
            const bool adds = remove == removed.cend() || (add != added.cend() && *add < *remove);
            auto chunk = first_chunk(adds ? *add : *remove);
            chunk = chunk == chunks_->end() ? chunk - 1 : chunk;
            chunks->insert(chunks->end(), rest, chunk);
            rest = chunk + 1;
            const bool last = rest == chunks_->end();
            const auto add_end =
                last ? added.cend() : std::upper_bound(add, added.cend(), (*chunk)->back());
            const auto remove_end =
                last ? removed.cend() : std::upper_bound(remove, removed.cend(), (*chunk)->back());
            append(*chunks, merge(**chunk, {add, add_end}, {remove, remove_end}));
            add = add_end;
            remove = remove_end;
        }
        chunks->insert(chunks->end(), rest, chunks_->end());
        if (chunks_->empty()) {
            append(*chunks, merge({}, std::move(added), std::move(removed)));
        }
        AddressIndex copy;
        copy.chunks_ = std::move(chunks);
        return copy;
    }

    /// Calls `visit(entry)` for all, in order.
    template <typename Visit>
    void for_each(Visit visit) const {
        for (const auto& chunk : *chunks_) {
            std::for_each(chunk->begin(), chunk->end(), visit);
        }
    }

    std::size_t size() const {
        std::size_t count = 0;
        for (const auto& chunk : *chunks_) {
            count += chunk->size();
        }
        return count;
    }

  private:
    static constexpr std::size_t kChunk = 512;
    using Chunk = std::vector<Entry>;  // sorted, never empty
    using Chunks = std::vector<std::shared_ptr<const Chunk>>;

    typename Chunks::const_iterator first_chunk(const Entry& from) const {
        return std::partition_point(chunks_->begin(), chunks_->end(),
                                    [&](const auto& chunk) { return chunk->back() < from; });
    }

    static Chunk merge(const Chunk& old, const Chunk& added, const Chunk& removed) {
        Chunk kept, merged;
        std::set_difference(old.begin(), old.end(), removed.begin(), removed.end(),
                            std::back_inserter(kept));
        std::set_union(kept.begin(), kept.end(), added.begin(), added.end(),
                       std::back_inserter(merged));
        return merged;
    }

    /// In even parts, so that a full chunk has room after it was split; a small rest joins the
    /// chunk before it.
    static void append(Chunks& chunks, Chunk entries) {
        if (entries.empty()) {
            return;
        }
        if (!chunks.empty() && chunks.back()->size() + entries.size() <= kChunk / 2) {
            entries.insert(entries.begin(), chunks.back()->begin(), chunks.back()->end());
            chunks.pop_back();
        }
        const std::size_t parts = (entries.size() + kChunk - 1) / kChunk;
        const auto start_of = [&](std::size_t part) {
            return entries.begin() + static_cast<std::ptrdiff_t>(entries.size() * part / parts);
        };
        for (std::size_t i = 0; i < parts; ++i) {
            chunks.push_back(std::make_shared<const Chunk>(start_of(i), start_of(i + 1)));
        }
    }

    std::shared_ptr<const Chunks> chunks_;
};

}  // namespace zones
