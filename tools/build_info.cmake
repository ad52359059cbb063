# Run at every build: asks git where we are; configure_file leaves the header alone when nothing has changed.
execute_process(
  COMMAND git -C ${SOURCE_DIR} describe --always --dirty --tags
  OUTPUT_VARIABLE SLUICE_COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(SLUICE_COMMIT "unknown")
endif()
configure_file(${SOURCE_DIR}/tools/build_info.hpp.in ${HEADER} @ONLY)
