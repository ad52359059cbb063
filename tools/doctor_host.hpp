// What a bug report should say about the machine: figures that Sluice goes by, and files of the kernel as they are.
#pragma once

#include <filesystem>
#include <string>

#include "engine/assess/this_host.hpp"

namespace sluice::tools {

/// `facts` as assess reads them (with `backend` and `why_epoll`); the files are below `root`, which is "/" but in
/// tests. What cannot be read says why in its place.
[[nodiscard]] std::string host_text(const assess::this_host_facts& facts, const std::filesystem::path& root = "/");

}  // namespace sluice::tools
