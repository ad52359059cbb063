// The heavy headers that most tests need; with the engine's, where a test stands on it.
#pragma once

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#ifdef BOOST_ASIO_SEPARATE_COMPILATION
#include "engine/runtime/precompiled.hpp"
#endif
