# sluice_layer(<name> DEPENDS <layers...> SOURCES <files...> [LIBRARIES <targets...>])
#
# One folder of engine/ as a static library, built once for the chosen backend and, with SLUICE_EMBED_EPOLL,
# a second time on epoll (target suffix _epoll) for the twin that the binary carries.
function(sluice_layer name)
  cmake_parse_arguments(arg "" "" "DEPENDS;SOURCES;LIBRARIES" ${ARGN})
  sluice_layer_for_backend(${name} "" ${SLUICE_BACKEND})
  if(SLUICE_EMBED_EPOLL)
    sluice_layer_for_backend(${name} "_epoll" epoll)
  endif()
endfunction()

function(sluice_layer_for_backend name suffix backend)
  add_library(sluice_${name}${suffix} STATIC ${arg_SOURCES})
  set(dependencies ${arg_DEPENDS})
  list(TRANSFORM dependencies REPLACE "(.+)" "sluice_\\1${suffix}")
  target_link_libraries(sluice_${name}${suffix}
    PUBLIC sluice_options sluice_bson sluice_asio_${backend} ${dependencies} ${arg_LIBRARIES})
  if(NOT SLUICE_FUZZ)
    target_precompile_headers(sluice_${name}${suffix} PRIVATE ${PROJECT_SOURCE_DIR}/engine/runtime/precompiled.hpp)
  endif()
endfunction()

# The arrows of the design: a folder may include itself and what is listed here. Checked on every build.
add_custom_target(check_layers ALL
  COMMAND ${PROJECT_SOURCE_DIR}/tools/check-layers ${PROJECT_SOURCE_DIR}
  COMMENT "Checking that includes follow the arrows of docs/architecture.md")
