// What a run notes about itself in the checkpoint (checkpoint::set_facts), by name.
#pragma once

namespace sluice::session {

inline constexpr const char* capture_from_fact = "captureFrom";
inline constexpr const char* contained_fact = "contained";
inline constexpr const char* run_fact = "run";
inline constexpr const char* write_blocking_fact = "writeBlocking";
inline constexpr const char* capture_fact = "capture";
inline constexpr const char* users_fact = "users";
inline constexpr const char* verification_fact = "verification";
inline constexpr const char* collections_fact = "collections";  // how many the catalog has
inline constexpr const char* blocks_destination_fact = "blocksDestination";
inline constexpr const char* blocks_source_fact = "blocksSource";
inline constexpr const char* stopped_balancer_fact = "stoppedBalancer";

// Of a run that may be reversed: the moment of its commit on the destination, before anybody wrote there.
inline constexpr const char* reversible_fact = "reversible";
inline constexpr const char* reverse_from_fact = "reverseFrom";
inline constexpr const char* reverse_contained_fact = "reverseContained";
inline constexpr const char* reversed_fact = "reversed";  // it is a reversal itself

/// Collections of the checkpoint.
inline constexpr const char* foreign_collection = "existing";  // what the destination held before
inline constexpr const char* reverse_collection = "reverse";   // the destination's catalog at the commit

}  // namespace sluice::session
