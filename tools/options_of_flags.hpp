// The flags of each command, with the configuration file and the environment, as its checked options.
#pragma once

#include <string>

#include "engine/runtime/result.hpp"
#include "tools/command_line.hpp"
#include "tools/flags.hpp"

namespace sluice::tools {

/// Errors (configuration): what is missing, wrong or excludes each other, by the flag's or the key's name, without
/// secrets.
[[nodiscard]] result<copy_options> to_copy_options(copy_flags&& flags, const environment& variables);
[[nodiscard]] result<run_options> to_run_options(run_flags&& flags, const environment& variables);
[[nodiscard]] result<assess_options> to_assess_options(assess_flags&& flags, const environment& variables);
[[nodiscard]] result<bench_options> to_bench_options(bench_flags&& flags, const environment& variables);
[[nodiscard]] result<client_options> to_client_options(client_call call, const client_flags& flags);
/// `config`: the path of a configuration file, or nothing. What flags say wins.
[[nodiscard]] result<serve_options> to_serve_options(const serve_values& flags, const std::string& config,
                                                     const environment& variables);
/// Nothing that is missing or broken is an error here but a --url: it is what the bundle is made for.
[[nodiscard]] result<doctor_options> to_doctor_options(const serve_values& flags, const std::string& config,
                                                       doctor_flags&& more, const environment& variables);

}  // namespace sluice::tools
