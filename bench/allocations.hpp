// How often the program has asked for memory by operator new. What C libraries take from malloc is not counted.
#pragma once

#include <cstdint>

namespace sluice::bench {

[[nodiscard]] std::uint64_t allocations() noexcept;

}  // namespace sluice::bench
