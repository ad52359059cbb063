// Keeps credentials out of what other users and crash collectors see of this process.
#pragma once

#include <span>
#include <string>

namespace sluice::tools {

/// No core file, no /proc/PID/mem, /proc/PID/environ or ptrace for others than root. An exec undoes it: call it first
/// thing in main.
void forbid_memory_dumps() noexcept;

/// Overwrites the secrets in the argument strings that the kernel shows in /proc/PID/cmdline; `secrets` are values of
/// which nothing may stay, even where they do not look like a URI. Copy what you need before.
void hide_arguments(std::span<char* const> arguments, std::span<const std::string> secrets) noexcept;

/// Overwrites the value of an environment variable in place and removes it.
void hide_environment_variable(const char* name) noexcept;

}  // namespace sluice::tools
