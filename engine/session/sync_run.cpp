#include "engine/session/sync_run.hpp"

#include <set>
#include <utility>

#include "engine/apply/left_writes.hpp"
#include "engine/cluster/catalog_document.hpp"
#include "engine/runtime/failure_point.hpp"
#include "engine/runtime/log.hpp"
#include "engine/runtime/task_group.hpp"
#include "engine/session/account_stage.hpp"
#include "engine/session/hold_lease.hpp"
#include "engine/session/run_facts.hpp"
#include "engine/session/spool_place.hpp"
#include "engine/session/start_warnings.hpp"
#include "engine/wire/retry.hpp"

namespace sluice::session {

namespace {

using sluice::state::position;
using sluice::state::run_phase;

capture::capture_way way_from(std::string_view text) {
  for (const auto way : {capture::capture_way::oplog, capture::capture_way::change_stream}) {
    if (text == to_string(way)) return way;
  }
  return capture::capture_way::automatic;
}

/// Change streams tell nothing of buckets unless they are asked to, which a mongos may be from 6.0 on only.
result<> check_followable(const cluster::catalog& catalog, const cluster::deployment& source) {
  if (source.kind != cluster::deployment_kind::sharded) return ok();
  for (const auto& info : catalog.collections) {
    if (info.kind != cluster::collection_kind::timeseries) continue;
    return failure(error_kind::refused, info.ns.to_string() +
                                            " is a time-series collection: of a sharded cluster what is written to it "
                                            "cannot be followed; leave it out with --exclude, and copy it by itself");
  }
  return ok();
}

wish wish_from(std::string_view text) {
  if (text == "pause") return wish::pause;
  return text == "commit" ? wish::commit : wish::run;
}

}  // namespace

copy_purpose purpose_of(index_building when) {
  copy_purpose purpose;
  purpose.followed = true;
  purpose.indexes.never = when == index_building::never;
  purpose.indexes.exclude_hashed =
      when == index_building::exclude_hashed || when == index_building::exclude_hashed_after_copy;
  purpose.indexes_first = when == index_building::before_data_copy || when == index_building::exclude_hashed;
  return purpose;
}

sync_run::sync_run(boost::asio::any_io_executor control, sync_settings settings, labels names, desk& operator_desk,
                   copy_board& board, runtime::cancel_scope& scope)
    : control_(control),
      settings_(std::move(settings)),
      names_(std::move(names)),
      desk_(operator_desk),
      board_(board),
      scope_(scope),
      news_(control),
      between_(control, settings_.copy, board, scope),
      copying_(control, settings_.copy, purpose_of(settings_.build_indexes), between_, board),
      blocks_(control, between_, board, settings_.copy.retry_time, scope),
      balancer_(between_, board, settings_.copy.retry_time, scope) {}

void sync_run::wake() {
  news_.notify();
}

// Beside the map's entries: without it an emptied map would look like a source whose collections are all gone.
bson::document sync_run::map_mark() {
  bson::builder mark;
  mark.append("_id", map_mark_id);
  return mark.finish();
}

sluice::state::run_parameters sync_run::parameters() const {
  sluice::state::run_parameters mine;
  mine.source_identity = between_.source.identity;
  mine.source_name = between_.source.name();
  mine.destination_identity = between_.destination.identity;
  mine.destination_name = between_.destination.name();
  mine.include = settings_.copy.include;
  mine.exclude = settings_.copy.exclude;
  for (const auto& [from, to] : settings_.copy.remaps) mine.remaps.insert(mine.remaps.end(), {from, to});
  mine.document_filter = settings_.copy.documents.given();
  if (settings_.copy.sharding) mine.sharding = settings_.copy.sharding->given();
  mine.mode = "sync";
  mine.beside_others = settings_.beside_others;
  mine.build_indexes = to_string(settings_.build_indexes);
  return mine;
}

task<result<>> sync_run::run() {
  board_.set_phase(phase::initializing_collections_and_indexes);
  SLUICE_CO_TRY(choice_, choose_namespaces(settings_));
  if (choice_.beside_others) be_considerate();
  SLUICE_CO_TRYV(co_await between_.find(names_));
  // What is only shown lives and ends with the steps, and never fails them.
  runtime::cancel_scope showing_scope;
  auto with_the_run = scope_.on_cancel([this, &showing_scope] {
    showing_scope.cancel();
    news_.notify();
  });
  runtime::task_group showing(control_, showing_scope);
  showing.spawn(between_.keep_pinging(showing_scope));
  showing.spawn(keep_telling(showing_scope));
  showing.spawn(keep_looking_at_oplog(showing_scope));
  auto outcome = co_await run_steps();
  if (verifying_) co_await verifying_->close();
  showing_scope.cancel();
  auto shown = co_await showing.join();
  (void)shown;
  tell();
  // Whoever has taken the run over needs the blocks.
  if (!checkpoint_ || !checkpoint_->is_taken_over()) co_await blocks_.lift_all();
  if (lease_wanted_) co_await between_.release_lease(self_);
  co_return outcome;
}

task<result<>> sync_run::run_steps() {
  // Each step up to here may be done twice: an election or a lost connection in between begins them again.
  auto begin = [this]() -> task<result<>> {
    SLUICE_CO_TRYV(co_await between_.connect());
    if (!checkpoint_) checkpoint_ = between_.make_checkpoint();
    if (settings_.copy.users) {
      SLUICE_CO_TRYV(co_await look_at_accounts(between_, choice_));
    }
    co_return co_await begin_or_resume();
  };
  SLUICE_CO_TRYV(co_await wire::retry(begin, settings_.copy.retry_time, scope_));
  for (auto& sentence : start_warnings_) {
    log(log_level::warn, "session", sentence);
    board_.add_warning(std::move(sentence));
  }
  if (opened_.phase == run_phase::committed) {
    log(log_level::info, "session", "This run was committed before; there is nothing left to do");
    board_.set_phase(phase::commit_completed);
    board_.set_can_write();
    desk_.committed();
    co_return ok();
  }
  co_return co_await hold_lease(control_, *checkpoint_, scope_, work_until_committed());
}

void sync_run::be_considerate() {
  settings_.block_writes = write_blocking::none;
  // The original's load level 2, its default in this case.
  if (settings_.copy.connections == 0) settings_.copy.connections = 2;
  const std::string attention =
      "ATTENTION: the destination held data before this run. Its writers are not refused: what they write into the "
      "namespaces that are migrated is lost or makes the two differ. Views are not migrated, and a namespace of the "
      "source that gets the name of one that was there ends the run";
  log(log_level::warn, "session", attention);
  board_.add_warning(attention);
}

// --- beginning ---

task<result<>> sync_run::begin_or_resume() {
  if (settings_.copy.reset) {
    log(log_level::warn, "session", "Dropping the checkpoint and starting over",
        {{"destination", between_.destination.name()}});
    SLUICE_CO_TRYV(co_await checkpoint_->drop_unless_owned(self_));
  }
  SLUICE_CO_TRY(way_, co_await capture::choose_way(*between_.to_source, way_from(settings_.capture)));
  SLUICE_CO_TRY(start_warnings_, co_await find_start_warnings(*between_.to_source, choice_, settings_.copy.sharding));
  SLUICE_CO_TRY(const bool exists, co_await checkpoint_->exists());
  if (!exists) {
    task<result<>> look = settings_.reversed ? begin_reversed(false) : begin(false);
    SLUICE_CO_TRYV(co_await std::move(look));
  }
  lease_wanted_ = true;  // even when it fails: the reply that says so may be the only thing that got lost
  SLUICE_CO_TRY(opened_, co_await checkpoint_->open(parameters(), self_));
  settings_.copy.reset = false;  // what is stored from here on is this run's
  runtime::failure_point("run_opened");
  board_.set_destination_written();
  if (opened_.phase == run_phase::committed) co_return ok();
  task<result<>> rest = opened_.phase != run_phase::planning ? restore()
                        : settings_.reversed                 ? begin_reversed(true)
                                                             : begin(true);
  co_return co_await hold_lease(control_, *checkpoint_, scope_, std::move(rest));
}

// Called twice by a new run: before there is a checkpoint, so that a destination which is not empty is refused without
// a trace, and behind its lease.
task<result<>> sync_run::begin(bool opened) {
  SLUICE_CO_TRY(begins_, co_await capture::read_start_time(*between_.to_source, way_));
  SLUICE_CO_TRY(auto catalog, co_await cluster::read_catalog(*between_.to_source, filter(), true));
  SLUICE_CO_TRYV(check_followable(catalog, between_.source));
  SLUICE_CO_TRYV(co_await between_.take_shard_keys(catalog));
  if (settings_.reversible) {
    SLUICE_CO_TRYV(check_reversible());
  }
  auto as_read = cluster::to_documents(catalog);
  SLUICE_CO_TRYV(copying_.set_catalog(std::move(catalog), choice_));
  SLUICE_CO_TRYV(co_await copying_.refuse_or_drop_existing());
  if (!opened) co_return co_await between_.check_what_would_fail_later(copying_.catalog());
  board_.set_phase(phase::initializing_partitions);
  run_id_ = self_.token;
  bson::builder facts;
  facts.append(capture_from_fact, begins_.capture_from).append(contained_fact, begins_.contained);
  facts.append(run_fact, run_id_).append(capture_fact, to_string(way_));
  facts.append(collections_fact, static_cast<std::int64_t>(as_read.size()));
  facts.append(reversible_fact, settings_.reversible);
  if (settings_.block_writes) facts.append(write_blocking_fact, to_string(*settings_.block_writes));
  facts.append(users_fact, settings_.copy.users);
  facts.append(verification_fact, settings_.verify);
  bson::document noted = facts.finish();
  opened_.facts = noted;
  SLUICE_CO_TRYV(co_await checkpoint_->set_facts(std::move(noted)));
  SLUICE_CO_TRYV(co_await checkpoint_->store("catalog", std::move(as_read)));
  if (choice_.beside_others) {
    SLUICE_CO_TRYV(co_await note_what_is_there());
  }
  SLUICE_CO_TRYV(co_await copying_.plan(*checkpoint_));
  opened_.phase = run_phase::copying;
  board_.publish_catalog(copying_.catalog());
  co_return ok();
}

task<result<>> sync_run::note_what_is_there() {
  SLUICE_CO_TRY(const auto names, co_await cluster::read_names(*between_.to_destination));
  choice_.foreign = std::set<cluster::namespace_name>(names.begin(), names.end());
  std::vector<bson::document> documents;
  for (const auto& ns : choice_.foreign) {
    bson::builder one;
    one.append("_id", ns.to_string());
    documents.push_back(one.finish());
  }
  co_return co_await checkpoint_->store(foreign_collection, std::move(documents));
}

task<result<>> sync_run::load_what_was_there() {
  SLUICE_CO_TRY(const auto stored, co_await checkpoint_->load(foreign_collection));
  choice_.foreign.clear();
  for (const auto& one : stored) {
    if (auto ns = cluster::parse_namespace(one.view().find("_id").as_string().value_or(""))) {
      choice_.foreign.insert(*std::move(ns));
    }
  }
  co_return ok();
}

task<result<>> sync_run::restore() {
  log(log_level::info, "session", "Going on where an earlier process stopped",
      {{"phase", sluice::state::to_string(opened_.phase)}, {"wish", opened_.wish}});
  const auto facts = opened_.facts.view();
  const auto from = facts.find(capture_from_fact).as_timestamp();
  const auto contained = facts.find(contained_fact).as_timestamp();
  const auto run = facts.find(run_fact).as_string();
  if (!from || !contained || !run) {
    co_return failure(error_kind::refused, "the checkpoint on " + between_.destination.name() +
                                               " does not say from when on changes were captured; it is damaged: start "
                                               "over with --reset");
  }
  // A transaction that is open at a restart is told by both ways, but not in the same place.
  const auto way = facts.find(capture_fact).as_string().value_or("");
  if (way != to_string(way_)) {
    co_return failure(error_kind::refused, "this run captures changes by " + std::string(way) + ", and would by " +
                                               std::string(to_string(way_)) +
                                               " now; a run keeps its way: ask for it "
                                               "with --capture, or start over with --reset");
  }
  begins_ = {*from, *contained};
  run_id_ = *run;
  settings_.reversible = facts.find(reversible_fact).as_bool().value_or(false);
  if (!settings_.block_writes) {
    settings_.block_writes = write_blocking_from(facts.find(write_blocking_fact).as_string().value_or(""));
  }
  SLUICE_CO_TRYV(co_await remember_accounts());
  SLUICE_CO_TRYV(co_await remember_verification());
  if (facts.find(reversed_fact).as_bool().value_or(false)) {
    SLUICE_CO_TRYV(co_await forget_earlier());
  }
  if (choice_.beside_others) {
    SLUICE_CO_TRYV(co_await load_what_was_there());
  }
  SLUICE_CO_TRY(const auto stored, co_await checkpoint_->load("catalog"));
  const auto listed = facts.find(collections_fact).to_int64();
  if (listed && *listed != static_cast<std::int64_t>(stored.size())) {
    co_return failure(error_kind::refused, "the checkpoint on " + between_.destination.name() + " lists " +
                                               std::to_string(stored.size()) + " collections where it listed " +
                                               std::to_string(*listed) + "; it is damaged: start over with --reset");
  }
  SLUICE_CO_TRY(auto catalog, cluster::catalog_from(stored));
  SLUICE_CO_TRYV(copying_.set_catalog(std::move(catalog), choice_));
  SLUICE_CO_TRYV(co_await copying_.resume(*checkpoint_, opened_));
  board_.publish_catalog(copying_.catalog());
  desk_.restored(wish_from(opened_.wish));
  co_return ok();
}

// Said once it holds for the run: a server that is started again hears no call of start.
task<result<>> sync_run::remember_accounts() {
  const bool noted = opened_.facts.view().find(users_fact).as_bool().value_or(false);
  if (noted == settings_.copy.users) co_return ok();
  if (noted) {
    settings_.copy.users = true;
    co_return co_await look_at_accounts(between_, choice_);
  }
  bson::builder fact;
  fact.append(users_fact, true);
  bson::document now = fact.finish();
  co_return co_await checkpoint_->set_facts(std::move(now));
}

// Given up once, it stays so: what was not watched meanwhile would have to be read again.
task<result<>> sync_run::remember_verification() {
  const bool noted = opened_.facts.view().find(verification_fact).as_bool().value_or(false);
  if (noted == settings_.verify) co_return ok();
  if (!noted) {
    settings_.verify = false;
    co_return ok();
  }
  log(log_level::warn, "session", "From here on this run is not verified");
  bson::builder fact;
  fact.append(verification_fact, false);
  bson::document now = fact.finish();
  co_return co_await checkpoint_->set_facts(std::move(now));
}

// --- working ---

task<result<>> sync_run::work_until_committed() {
  const bool whole = choice_.filter.is_everything() && choice_.documents.is_everything();
  SLUICE_CO_TRYV(co_await blocks_.decide(settings_.block_writes, whole, opened_.facts));
  SLUICE_CO_TRYV(co_await blocks_.block_destination(*checkpoint_));
  SLUICE_CO_TRYV(co_await balancer_.begin(*checkpoint_, opened_.facts));
  if (opened_.phase == run_phase::committing) {
    // An earlier process had applied everything up to the fence.
    desk_.restored(wish::commit);
    SLUICE_CO_TRY(const bool committed, co_await finish_commit(scope_));
    if (committed) co_return ok();
  }
  for (;;) {
    SLUICE_CO_TRY(const bool committed, co_await round());
    if (committed) co_return ok();
    log(log_level::warn, "session", "An election on the destination; applying goes on from the last durable position");
    SLUICE_CO_TRY(opened_, co_await checkpoint_->open(parameters(), self_));
  }
}

// --- a round ---

task<result<position>> sync_run::where_to_begin() {
  const position first{begins_.contained, begins_.capture_from};
  if (opened_.phase < run_phase::applying) co_return first;
  SLUICE_CO_TRY(const auto durable, co_await checkpoint_->load_position(opened_.term));
  co_return durable.value_or(first);
}

task<result<bool>> sync_run::round() {
  SLUICE_CO_TRY(const position at, co_await where_to_begin());
  capture_side captured(captured_);
  const auto dir = settings_.spool_dir.empty() ? default_spool_dir() : settings_.spool_dir;
  SLUICE_CO_TRY(const auto folder,
                spool_folder_of(dir, between_.source.identity, between_.destination.identity, run_id_));
  capture::spool_options options;
  options.folder = folder;
  options.run = run_id_;
  options.disk_bytes_max = settings_.spool_bytes_max;
  auto opened = co_await captured.open(std::move(options), at.resume_from);
  if (opened.has_error()) {
    co_await captured.close();
    co_return opened.error();
  }
  capturing_ = &captured;

  runtime::cancel_scope scope;
  auto with_the_run = scope_.on_cancel([this, &scope] {
    scope.cancel();
    news_.notify();
  });
  auto awake = scope.on_cancel([this] { news_.notify(); });
  runtime::task_group group(control_, scope);
  std::optional<follow_end> end;
  capture::capture_job job{.source = between_.source,
                           .filter = filter(),
                           .way = way_,
                           .from = at.resume_from,
                           .patience = settings_.copy.retry_time};
  group.spawn(captured.follow(std::move(job), scope));
  group.spawn(work(captured, at, scope, end));
  auto outcome = co_await group.join();

  capturing_ = nullptr;
  if (end == follow_end::committed) {
    if (const auto removed = co_await captured.remove(); !removed) {
      log(log_level::warn, "session", "The spool could not be removed", {{"cause", removed.error().message}});
    }
    co_return true;
  }
  co_await captured.close();
  if (end) co_return false;
  co_return outcome.error();
}

task<result<>> sync_run::work(capture_side& captured, position at, runtime::cancel_scope& scope,
                              std::optional<follow_end>& end) {
  if (opened_.phase < run_phase::applying) {
    SLUICE_CO_TRYV(co_await copy(scope));
    co_await captured.keep_on_disk(false);
  } else {
    co_await captured.keep_on_disk(false);
  }
  SLUICE_CO_TRY(end, co_await follow(captured, at, scope));
  scope.cancel();  // capture is of no more use
  co_return ok();
}

task<result<>> sync_run::wait_while_paused(runtime::cancel_scope& scope) {
  if (desk_.wanted() != wish::pause) co_return ok();
  SLUICE_CO_TRYV(co_await checkpoint_->set_wish("pause"));
  desk_.paused();
  log(log_level::info, "session", "Paused; the copy goes on where it stopped");
  while (desk_.wanted() == wish::pause && !scope.cancelled()) co_await news_.wait();
  if (scope.cancelled()) co_return failure(error_kind::cancelled, "cancelled while paused");
  log(log_level::info, "session", "Going on");
  co_return co_await checkpoint_->set_wish("run");
}

task<result<>> sync_run::copy(runtime::cancel_scope& scope) {
  for (;;) {
    SLUICE_CO_TRYV(co_await wait_while_paused(scope));
    runtime::cancel_scope copy_scope;
    auto with_the_round = scope.on_cancel([&copy_scope] { copy_scope.cancel(); });
    // A pause ends the copy's coroutines; the checkpoint has what it takes to go on.
    std::optional<result<>> copied;
    auto run = [this, &copied, &copy_scope]() -> task<result<>> {
      copied = co_await copying_.copy(*checkpoint_, opened_, copy_scope);
      news_.notify();
      co_return ok();
    };
    runtime::task_group copying(control_, copy_scope);
    copying.spawn(run());
    while (!copied) {
      if (desk_.wanted() == wish::pause) copy_scope.cancel();
      co_await news_.wait();
    }
    auto joined = co_await copying.join();
    (void)joined;
    if (copied->has_value()) break;
    if (copied->error().kind != error_kind::cancelled || scope.cancelled()) co_return copied->error();
    SLUICE_CO_TRY(opened_, co_await checkpoint_->open(parameters(), self_));
    SLUICE_CO_TRYV(co_await between_.connect());
    SLUICE_CO_TRYV(co_await copying_.resume(*checkpoint_, opened_));
    board_.publish_catalog(copying_.catalog());
  }
  if (const std::string missing = copying_.missing(); !missing.empty()) co_return failure(error_kind::server, missing);
  SLUICE_CO_TRY(const auto mapped, co_await map_of_what_is_there());
  auto documents = mapped.to_documents();
  documents.push_back(map_mark());
  SLUICE_CO_TRYV(co_await checkpoint_->store_mapped(std::move(documents), {}));
  runtime::failure_point("map_stored");
  SLUICE_CO_TRYV(co_await checkpoint_->set_phase(run_phase::applying));
  opened_.phase = run_phase::applying;
  runtime::failure_point("applying_begun");
  co_return ok();
}

// A collection that the source dropped while it was copied is not on the destination any more: what the oplog still
// tells of it must not look for it there.
task<result<apply::collection_map>> sync_run::map_of_what_is_there() {
  std::set<cluster::namespace_name> there;
  auto list = [this, &there]() -> task<result<>> {
    there.clear();
    SLUICE_CO_TRY(const auto to, co_await between_.open_destination());
    SLUICE_CO_TRY(const auto found, co_await cluster::read_catalog(*to, cluster::namespace_filter{}, false));
    for (const auto& info : found.collections) there.insert(info.data_ns());
    co_return ok();
  };
  SLUICE_CO_TRYV(co_await wire::retry(list, settings_.copy.retry_time, scope_));
  auto map = apply::map_of(copying_.catalog());
  std::vector<std::vector<std::byte>> gone;
  for (const auto* one : map.all()) {
    if (!there.contains(one->to->ns)) gone.push_back(one->uuid);
  }
  for (const auto& uuid : gone) map.erase(uuid);
  co_return map;
}

task<result<follow_end>> sync_run::follow(capture_side& captured, position at, runtime::cancel_scope& scope) {
  board_.set_phase(phase::awaiting_application);
  apply_side::job job{between_.source, between_.destination, {}, {}, {}};
  SLUICE_CO_TRY(const auto mapped, co_await checkpoint_->load("mapped"));
  bool marked = !opened_.facts.view().find(collections_fact);  // older runs have no mark
  for (const auto& document : mapped) {
    if (document.view().find("_id").as_string() == map_mark_id) {
      marked = true;
      continue;
    }
    auto one = apply::collection_map::from_document(document);
    if (!one) {
      co_return failure(error_kind::refused, "the checkpoint on " + between_.destination.name() +
                                                 " holds a damaged entry of the collections' map; start over with "
                                                 "--reset");
    }
    job.map.put(std::move(*one));
  }
  if (!marked) {
    co_return failure(error_kind::refused, "the checkpoint on " + between_.destination.name() +
                                               " has lost its map of the collections; start over with --reset");
  }
  auto newest = [this, &job]() -> task<result<>> {
    SLUICE_CO_TRY(const auto from, co_await between_.open_source());
    SLUICE_CO_TRY(job.options.consistent_from, co_await capture::read_majority_time(*from));
    co_return ok();
  };
  SLUICE_CO_TRYV(co_await wire::retry(newest, settings_.copy.retry_time, scope));
  const apply::connect_to_destination connect = [this] { return between_.open_destination(); };
  const apply::connect_to_routers routers = [this] { return between_.open_routers(); };
  SLUICE_CO_TRYV(co_await apply::wait_for_left_writes(connect, routers, settings_.copy.retry_time, scope));
  board_.set_phase(phase::change_application);
  // Changes of documents that are not migrated are sent, too, where only the source could tell, and find nothing.
  job.options.free_check =
      between_.source.kind != cluster::deployment_kind::sharded && choice_.documents.is_everything();
  job.options.reading.filter = filter();
  job.options.scope = choice_;
  job.options.reading.applied = at.applied;
  job.options.reading.spill_folder = settings_.spool_dir.empty() ? default_spool_dir() : settings_.spool_dir;
  job.options.writing.patience = settings_.copy.retry_time;
  job.options.writing.may_write = [this] { return checkpoint_->lease_is_fresh(); };
  if (settings_.copy.connections > 0) job.options.writing.connections = settings_.copy.connections;
  job.options.indexes = purpose_of(settings_.build_indexes).indexes;
  job.checkpoint = [this](apply::checkpoint_request asked) { return store(std::move(asked)); };

  if (settings_.verify) {
    begin_verifying();
    job.options.seen_by = verifying_.get();
  }

  apply_side applying(control_, std::move(job), captured, applied_, position_);
  applying_ = true;
  follow_stage::parts with{between_, *checkpoint_, blocks_, desk_, board_, news_};
  auto finish = [this](runtime::cancel_scope& until) { return finish_commit(until); };
  follow_stage following(control_, with, applying, settings_.copy.retry_time, finish, scope);
  auto outcome = co_await following.run();
  co_await applying.close();
  co_return outcome;
}

task<result<apply::checkpoint_verdict>> sync_run::store(apply::checkpoint_request asked) {
  if (!asked.mapped.empty() || !asked.unmapped.empty()) {
    SLUICE_CO_TRYV(co_await checkpoint_->store_mapped(std::move(asked.mapped), std::move(asked.unmapped)));
  }
  const position at{asked.applied, asked.resume_from};
  SLUICE_CO_TRY(bool durable, co_await checkpoint_->store_position(at, asked.term));
  if (durable && asked.confirmed) {
    // What was learnt of the first by its reply is written down with the second.
    SLUICE_CO_TRY(durable, co_await checkpoint_->store_position(at, {}));
  }
  co_return durable ? apply::checkpoint_verdict::durable : apply::checkpoint_verdict::torn;
}

}  // namespace sluice::session
