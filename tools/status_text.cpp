#include "tools/status_text.hpp"

#include <cmath>
#include <cstdint>

#include <fmt/format.h>
#include <simdjson.h>

#include "tools/terminal_text.hpp"

namespace sluice::tools {
namespace {

namespace dom = simdjson::dom;

/// Fields by JSON pointer; one that is not there, null or of another type is nothing.
class fields {
 public:
  explicit fields(dom::element root) : root_(root) {}

  [[nodiscard]] std::optional<std::string> text(std::string_view pointer) const {
    std::string_view value;
    if (root_.at_pointer(pointer).get(value) != simdjson::SUCCESS || value.empty()) return std::nullopt;
    return printable(value);
  }
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view pointer) const {
    std::int64_t value = 0;
    if (root_.at_pointer(pointer).get(value) != simdjson::SUCCESS) return std::nullopt;
    return value;
  }
  [[nodiscard]] std::optional<double> number(std::string_view pointer) const {
    double value = 0;
    if (root_.at_pointer(pointer).get(value) != simdjson::SUCCESS) return std::nullopt;
    return value;
  }
  [[nodiscard]] std::optional<bool> boolean(std::string_view pointer) const {
    bool value = false;
    if (root_.at_pointer(pointer).get(value) != simdjson::SUCCESS) return std::nullopt;
    return value;
  }
  template <class Take>
  void each_text(std::string_view pointer, Take take) const {
    dom::array all;
    if (root_.at_pointer(pointer).get(all) != simdjson::SUCCESS) return;
    for (const dom::element one : all) {
      std::string_view value;
      if (one.get(value) == simdjson::SUCCESS) take(printable(value));
    }
  }

 private:
  dom::element root_;
};

/// `parser` owns what is returned.
std::optional<fields> progress_of(dom::parser& parser, std::string_view body) {
  dom::element progress;
  const simdjson::padded_string padded(body);
  if (parser.parse(padded)["progress"].get(progress) != simdjson::SUCCESS || !progress.is_object()) return std::nullopt;
  return fields(progress);
}

class lines {
 public:
  void add(std::string_view name, const std::optional<std::string>& value) {
    if (value) text_ += fmt::format("{:<14}{}\n", name, *value);
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::optional<std::string> yes_or_no(const std::optional<bool>& value) {
  if (!value) return std::nullopt;
  return *value ? "yes" : "no";
}

std::optional<std::string> phase(const fields& from) {
  auto text = from.text("/info");
  if (const auto stage = from.text("/ceaStage"); text && stage) *text += ", " + *stage;
  return text;
}

std::optional<std::string> side(const fields& from, std::string_view name, std::string_view ping) {
  auto text = from.text(name);
  const auto ping_ms = from.integer(ping);
  if (text && ping_ms) *text += *ping_ms < 0 ? ", does not answer" : fmt::format(", {} ms away", *ping_ms);
  return text;
}

std::optional<std::string> copied(const fields& from) {
  const auto bytes = from.integer("/collectionCopy/estimatedCopiedBytes");
  const auto of_bytes = from.integer("/collectionCopy/estimatedTotalBytes");
  const auto documents = from.integer("/collectionsCopy/estimatedDocumentCounts/copied");
  const auto of_documents = from.integer("/collectionsCopy/estimatedDocumentCounts/total");
  if (!bytes || !of_bytes || !documents || !of_documents) return std::nullopt;
  return bytes_text(static_cast<double>(*bytes)) + " of " + bytes_text(static_cast<double>(*of_bytes)) + ", " +
         count_text(*documents) + " of " + count_text(*of_documents) + " documents";
}

std::optional<std::string> seconds(const std::optional<std::int64_t>& count) {
  if (!count) return std::nullopt;
  return *count < 60 ? fmt::format("{} s", *count) : duration_text(*count);
}

std::optional<std::string> indexes(const fields& from) {
  const auto built = from.integer("/indexBuilding/indexesBuilt");
  const auto total = from.integer("/indexBuilding/totalIndexesToBuild");
  if (!built || !total) return std::nullopt;
  return count_text(*built) + " of " + count_text(*total) + " built";
}

std::optional<std::string> applied(const fields& from) {
  const auto rate = from.number("/changesPerSecond");
  const auto total = from.integer("/totalEventsApplied");
  if (!rate || !total) return std::nullopt;
  std::string text = fmt::format("{} changes, {}/s now", count_text(*total), count_text(std::llround(*rate)));
  std::string kinds;
  for (const char* kind : {"inserts", "updates", "replaces", "deletes", "commands"}) {
    const auto count = from.integer("/changes/" + std::string(kind));
    if (count && *count > 0) kinds += (kinds.empty() ? "" : ", ") + count_text(*count) + " " + kind;
  }
  return kinds.empty() ? text : text + " (" + kinds + ")";
}

std::optional<std::string> captured(const fields& from) {
  auto text = from.text("/capturedBy");
  const auto disk = from.integer("/spool/diskBytes");
  const auto memory = from.integer("/spool/memoryBytes");
  if (text && disk && memory) {
    *text += "; waiting: " + bytes_text(static_cast<double>(*disk)) + " on disk, " +
             bytes_text(static_cast<double>(*memory)) + " in memory";
  }
  return text;
}

/// How far both sides were compared.
std::optional<std::string> verified(const fields& from) {
  const auto documents = from.integer("/verification/source/hashedDocumentCount");
  const auto collections = from.integer("/verification/source/scannedCollectionCount");
  const auto of_collections = from.integer("/verification/source/totalCollectionCount");
  const auto different = from.integer("/verification/mismatchCount");
  if (!documents || !collections || !of_collections || !different) return std::nullopt;
  return fmt::format("{} documents, {} of {} collections; {} differ", count_text(*documents), count_text(*collections),
                     count_text(*of_collections), *different == 0 ? "none" : count_text(*different));
}

}  // namespace

std::optional<told_progress> parse_progress(std::string_view body) {
  dom::parser parser;
  const auto from = progress_of(parser, body);
  if (!from) return std::nullopt;
  told_progress told;
  told.state = from->text("/state").value_or("");
  if (told.state.empty()) return std::nullopt;
  told.info = from->text("/info").value_or("");
  told.waiting_for = from->text("/waitingFor").value_or("");
  told.error = from->text("/error/message").value_or("");
  from->each_text("/warnings", [&told](std::string warning) { told.last_warning = std::move(warning); });
  return told;
}

std::string status_text(std::string_view body) {
  dom::parser parser;
  const auto from = progress_of(parser, body);
  if (!from) return {};
  lines out;
  out.add("state", from->text("/state"));
  out.add("phase", phase(*from));
  out.add("can commit", yes_or_no(from->boolean("/canCommit")));
  out.add("can write", yes_or_no(from->boolean("/canWrite")));
  out.add("waiting for", from->text("/waitingFor"));
  out.add("source", side(*from, "/directionMapping/Source", "/source/pingLatencyMs"));
  out.add("destination", side(*from, "/directionMapping/Destination", "/destination/pingLatencyMs"));
  out.add("copied", copied(*from));
  out.add("copied in", seconds(from->integer("/estimatedTotalSecondsToComplete")));
  out.add("indexes", indexes(*from));
  out.add("lag", seconds(from->integer("/lagTimeSeconds")));
  out.add("caught up in", seconds(from->integer("/estimatedSecondsToCEACatchup")));
  out.add("applied", applied(*from));
  out.add("captured by", captured(*from));
  out.add("verified", verified(*from));
  out.add("oplog lasts", from->text("/estimatedOplogTimeRemaining"));
  if (const auto violations = from->integer("/consistencyViolations"); violations.value_or(0) > 0) {
    out.add("violations", count_text(*violations) + " of the consistency check");
  }
  from->each_text("/warnings", [&out](std::string warning) { out.add("warning", std::move(warning)); });
  out.add("error", from->text("/error/message"));
  return out.take();
}

std::string refusal_text(unsigned status, std::string_view body) {
  dom::parser parser;
  const simdjson::padded_string padded(body);
  std::string_view description;
  if (parser.parse(padded)["errorDescription"].get(description) == simdjson::SUCCESS) return printable(description);
  return "the server answered with HTTP status " + std::to_string(status);
}

}  // namespace sluice::tools
