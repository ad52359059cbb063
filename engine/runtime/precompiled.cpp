// Exists so that the headers in precompiled.hpp have a target in which they are compiled, once for each backend.
#include "engine/runtime/precompiled.hpp"
