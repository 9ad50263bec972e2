// Precompiled for the unit tests of the server, which nearly all build an instance.
#include <atomic>
#include <condition_variable>
#include <stop_token>

#include "server/instance.h"
#include "tests/pch/unit_tests.h"
