# sluice_layer(<name> DEPENDS <layers...> SOURCES <files...> [PLAIN <files...>] [LIBRARIES <targets...>])
#
# One folder as a static library, built once for the chosen backend and, with SLUICE_EMBED_EPOLL, a second time on epoll
# (target suffix _epoll) for the twin that the binary carries. PLAIN are those of the sources that know nothing of Asio
# (engine/runtime/plain.hpp sees to it): they are compiled once, for both.
function(sluice_layer name)
  cmake_parse_arguments(arg "" "" "DEPENDS;SOURCES;PLAIN;LIBRARIES" ${ARGN})
  set(plain)
  if(arg_PLAIN)
    list(TRANSFORM arg_PLAIN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
    list(REMOVE_ITEM arg_SOURCES ${arg_PLAIN})
    set(plain sluice_${name}_plain)
    add_library(${plain} STATIC ${arg_PLAIN})
    target_link_libraries(${plain} PUBLIC sluice_options sluice_bson Boost::boost ${arg_LIBRARIES})
    foreach(below ${arg_DEPENDS})
      if(TARGET sluice_${below}_plain)
        target_link_libraries(${plain} PUBLIC sluice_${below}_plain)
      endif()
    endforeach()
    if(SLUICE_FUZZ)
      target_compile_options(${plain} PRIVATE -include ${PROJECT_SOURCE_DIR}/engine/runtime/plain.hpp)
    endif()
    sluice_precompiled(${plain} plain)
  endif()
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
    PUBLIC sluice_options sluice_bson sluice_asio_${backend} ${plain} ${dependencies} ${arg_LIBRARIES})
  sluice_precompiled(sluice_${name}${suffix} ${backend})
endfunction()

# sluice_precompiled(<target> <kind>): takes the heavy headers from the one place where they were compiled for this kind of
# file: a backend's name, plain for files that have none, tests or engine_tests (those that stand on the engine). Every
# target has to be compiled with the same code generation flags for that.
function(sluice_precompiled target kind)
  if(NOT SLUICE_FUZZ)
    target_precompile_headers(${target} REUSE_FROM sluice_precompiled_${kind})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND kind MATCHES "plain|tests")
      # g++ 12 forgets that what it has precompiled are system headers, and raises its false alarms in std::string.
      target_compile_options(${target} PRIVATE -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
    endif()
  endif()
endfunction()

function(sluice_precompile kind header)
  add_library(sluice_precompiled_${kind} STATIC ${PROJECT_SOURCE_DIR}/engine/runtime/precompiled.cpp)
  target_link_libraries(sluice_precompiled_${kind} PUBLIC sluice_options ${ARGN})
  target_precompile_headers(sluice_precompiled_${kind} PRIVATE ${PROJECT_SOURCE_DIR}/${header})
endfunction()
if(NOT SLUICE_FUZZ)
  sluice_precompile(plain engine/runtime/plain.hpp Boost::boost)
  sluice_precompile(tests tests/precompiled.hpp GTest::gtest)
  sluice_precompile(engine_tests tests/precompiled.hpp sluice_asio_${SLUICE_BACKEND} GTest::gtest)
  sluice_precompile(${SLUICE_BACKEND} engine/runtime/precompiled.hpp sluice_asio_${SLUICE_BACKEND})
  if(SLUICE_EMBED_EPOLL AND NOT SLUICE_BACKEND STREQUAL "epoll")
    sluice_precompile(epoll engine/runtime/precompiled.hpp sluice_asio_epoll)
  endif()
endif()

# The arrows of the design: a folder may include itself and what is listed here. Checked on every build.
add_custom_target(check_layers ALL
  COMMAND ${PROJECT_SOURCE_DIR}/tools/check-layers ${PROJECT_SOURCE_DIR}
  COMMENT "Checking that includes follow the arrows of docs/architecture.md")
