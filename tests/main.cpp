// The entry point of every unit-test executable. Both are defined since the precompiled header has
// read doctest.h before.
#define DOCTEST_CONFIG_IMPLEMENT
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
