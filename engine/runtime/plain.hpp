// Included first by every file that is compiled once for both backends (PLAIN in cmake/sluice_layers.cmake): Asio in
// such a file would be a third backend, so the compiler refuses it. Precompiled, with what such files need most.
#pragma once

#pragma GCC poison BOOST_ASIO_DECL

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/outcome/basic_result.hpp>
#include <boost/outcome/policy/terminate.hpp>
#include <boost/outcome/try.hpp>
