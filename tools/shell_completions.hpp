// `sluice completions` and `sluice man`: the command line as it is defined, for shells and for man. Lists no command
// and no flag of its own.
#pragma once

#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

namespace sluice::tools {

[[nodiscard]] std::string bash_completions(const CLI::App& app);
[[nodiscard]] std::string zsh_completions(const CLI::App& app);
[[nodiscard]] std::string fish_completions(const CLI::App& app);

/// In the language of man pages (groff -man).
[[nodiscard]] std::string manual_page(const CLI::App& app);

}  // namespace sluice::tools
