#include "tools/shell_completions.hpp"

#include <vector>

namespace sluice::tools {
namespace {

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

/// What --help shows.
std::vector<const CLI::Option*> flags_of(const CLI::App& app) {
  return app.get_options([](const CLI::Option* each) { return each->nonpositional() && !each->get_group().empty(); });
}

bool takes_value(const CLI::Option& option) {
  return option.get_items_expected_max() > 0;
}

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  return names;
}

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += between;
    text += part;
  }
  return text;
}

std::string command_names(const CLI::App& app, std::string_view between) {
  std::vector<std::string> names;
  for (const CLI::App* command : commands_of(app)) names.push_back(command->get_name());
  return joined(names, between);
}

std::string flag_names(const CLI::App& app, bool only_with_value) {
  std::vector<std::string> all;
  for (const CLI::Option* option : flags_of(app)) {
    if (only_with_value && !takes_value(*option)) continue;
    for (std::string& name : names_of(*option)) all.push_back(std::move(name));
  }
  return joined(all, " ");
}

/// One line between single quotes; `escaped` gets a backslash before it.
std::string quoted(const std::string& text, char escaped, std::string_view apostrophe) {
  std::string out = "'";
  for (const char each : text) {
    if (each == '\'') {
      out += apostrophe;
      continue;
    }
    if (each == escaped) out += '\\';
    out += each == '\n' ? ' ' : each;
  }
  return out + "'";
}

/// A description for zsh's _describe, after what it describes.
std::string described(const std::string& name, const std::string& description) {
  return " " + quoted(name + "\n" + description, ':', "'\\''").replace(name.size() + 1, 1, ":");
}

std::string zsh_flags(const CLI::App& app) {
  std::string text = "values=' " + flag_names(app, true) + " '; flags=(";
  for (const CLI::Option* option : flags_of(app)) {
    for (const std::string& name : names_of(*option)) text += described(name, option->get_description());
  }
  return text + ")";
}

std::string fish_flags(const CLI::App& app, const std::string& when) {
  std::string text;
  for (const CLI::Option* option : flags_of(app)) {
    text += "complete -c sluice -n '" + when + "'";
    for (const std::string& name : option->get_lnames()) text += " -l " + name;
    for (const std::string& name : option->get_snames()) text += " -s " + name;
    if (takes_value(*option)) text += " -r";
    text += " -d " + quoted(option->get_description(), '\\', "\\'") + "\n";
  }
  return text;
}

/// Text for groff: no hyphens, escapes or requests of its own.
std::string troff(const std::string& text) {
  std::string out;
  bool line_begins = true;
  for (const char each : text) {
    if (line_begins && (each == '.' || each == '\'')) out += "\\&";
    if (each == '\n' && line_begins) {
      out += ".PP";
    }
    line_begins = each == '\n';
    if (each == '-') {
      out += "\\-";
    } else if (each == '\\') {
      out += "\\e";
    } else {
      out += each;
    }
  }
  return out + "\n";
}

std::string manual_flags(const CLI::App& app) {
  std::string text;
  for (const CLI::Option* option : flags_of(app)) {
    text += ".TP\n.B " +
            troff(joined(names_of(*option), ", ") + (takes_value(*option) ? " " + option->get_type_name() : ""));
    text += troff(option->get_description());
  }
  return text;
}

}  // namespace

std::string bash_completions(const CLI::App& app) {
  const auto branch = [](const CLI::App& of, const std::string& more) {
    return "values=' " + flag_names(of, true) + " '; offered='" + more + flag_names(of, false) + "' ;;\n";
  };
  std::string text =
      "# bash completion for sluice, from its own flags\n_sluice() {\n"
      "  local command='' i values offered\n  COMPREPLY=()\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n    case ${COMP_WORDS[i]} in\n      ";
  text += command_names(app, "|") + ") command=${COMP_WORDS[i]}; break ;;\n    esac\n  done\n  case $command in\n";
  for (const CLI::App* command : commands_of(app)) text += "    " + command->get_name() + ") " + branch(*command, "");
  text += "    *) " + branch(app, command_names(app, " ") + " ") + "  esac\n";
  // With nothing offered, bash completes the name of a file.
  text +=
      "  [[ $values == *\" ${COMP_WORDS[COMP_CWORD - 1]} \"* ]] && return\n"
      "  COMPREPLY=($(compgen -W \"$offered\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\n"
      "complete -o default -F _sluice sluice\n";
  return text;
}

std::string zsh_completions(const CLI::App& app) {
  std::string text =
      "#compdef sluice\n_sluice() {\n  local command='' word values\n  local -a commands flags\n"
      "  for word in ${words[2,CURRENT-1]}; do\n    case $word in\n      ";
  text += command_names(app, "|") + ") command=$word; break ;;\n    esac\n  done\n  case $command in\n";
  for (const CLI::App* command : commands_of(app)) {
    text += "    " + command->get_name() + ") " + zsh_flags(*command) + " ;;\n";
  }
  text += "    *) " + zsh_flags(app) + "; commands=(";
  for (const CLI::App* command : commands_of(app)) text += described(command->get_name(), command->get_description());
  text +=
      ") ;;\n  esac\n  if [[ $values == *\" ${words[CURRENT-1]} \"* ]]; then\n    _files\n    return\n  fi\n"
      "  _describe command commands\n  _describe -o flag flags\n}\n"
      "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _sluice \"$@\"; else compdef _sluice sluice; fi\n";
  return text;
}

std::string fish_completions(const CLI::App& app) {
  std::string text = "# fish completion for sluice, from its own flags\n";
  for (const CLI::App* command : commands_of(app)) {
    text += "complete -c sluice -n __fish_use_subcommand -f -a " + command->get_name() + " -d " +
            quoted(command->get_description(), '\\', "\\'") + "\n";
  }
  text += fish_flags(app, "__fish_use_subcommand");
  for (const CLI::App* command : commands_of(app)) {
    text += fish_flags(*command, "__fish_seen_subcommand_from " + command->get_name());
  }
  return text;
}

std::string manual_page(const CLI::App& app) {
  std::string text = ".TH SLUICE 1 \"\" \"sluice\" \"User Commands\"\n.SH NAME\nsluice \\- ";
  text += "copies a live MongoDB deployment into another one and keeps it in step\n";
  text += ".SH SYNOPSIS\n.B sluice\n[options]\n.br\n.B sluice\n.I command\n[options]\n.SH DESCRIPTION\n";
  text += troff(app.get_description()) + ".SH OPTIONS\n" + manual_flags(app) + ".SH COMMANDS\n";
  for (const CLI::App* command : commands_of(app)) {
    text += ".SS " + troff(command->get_name()) + troff(command->get_description()) + manual_flags(*command);
    if (!command->get_footer().empty()) text += ".PP\n" + troff(command->get_footer());
  }
  return text + ".SH NOTES\n" + troff(app.get_footer());
}

}  // namespace sluice::tools
