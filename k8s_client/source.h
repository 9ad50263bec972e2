// Where objects come from, and who is told.
// A source (a folder of manifests; an API server) owns its threads and calls its sink from them,
// never from two threads at once. The sink outlives the source.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "k8s_client/objects.h"

namespace k8s_client {

/// Told what changed. A batch is to become visible as a whole.
class ObjectSink {
  public:
    virtual ~ObjectSink() = default;
    virtual void apply(std::span<const Change> changes) = 0;
    /// Every watched kind has been listed once; never taken back.
    virtual void synced() = 0;
    /// For who counts: so many objects were not handed on, since they are not as they must be.
    virtual void refused_objects(std::uint64_t /*count*/) {}
    /// A file was left out as a whole, or its last good state kept.
    virtual void refused_file() {}
};

/// Told what an operator should read. The text is one line without a final newline.
class Journal {
  public:
    enum class Level { Info, Warning, Error };
    virtual ~Journal() = default;
    virtual void write(Level level, const std::string& text) = 0;
};

}  // namespace k8s_client
