# Language, warnings, sanitizers, ccache: everything that is the same for each target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")

find_program(SLUICE_CCACHE ccache)
if(SLUICE_CCACHE)
  # The sloppiness settings let ccache work together with precompiled headers; the others let every checkout find what
  # another one compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${SLUICE_CCACHE})
endif()

add_library(sluice_options INTERFACE)
add_library(sluice::options ALIAS sluice_options)
target_include_directories(sluice_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(sluice_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # -fpch-preprocess is what ccache needs to see the precompiled header. The warnings switched off are
  # known false alarms of g++ 12 in coroutine frames and std::string.
  target_compile_options(sluice_options INTERFACE -fpch-preprocess -Wno-restrict -Wno-maybe-uninitialized
    -Wno-mismatched-new-delete)
endif()
if(SLUICE_SANITIZE)
  target_compile_options(sluice_options INTERFACE -fsanitize=${SLUICE_SANITIZE} -fno-omit-frame-pointer -O1)
  target_link_options(sluice_options INTERFACE -fsanitize=${SLUICE_SANITIZE})
  if(SLUICE_SANITIZE MATCHES "undefined")
    target_compile_options(sluice_options INTERFACE -fno-sanitize-recover=undefined)
    if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")  # 14 cannot mark coroutines with their types
      target_compile_options(sluice_options INTERFACE -fno-sanitize=function)
    endif()
  endif()
  if(SLUICE_SANITIZE MATCHES "thread")  # which does not know fences; Asio's stand beside locks that it knows
    target_compile_definitions(sluice_options INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
endif()
if(SLUICE_COVERAGE)
  target_compile_options(sluice_options INTERFACE --coverage -O0)
  target_link_options(sluice_options INTERFACE --coverage)
endif()
if(SLUICE_FAILURE_POINTS)
  target_compile_definitions(sluice_options INTERFACE SLUICE_FAILURE_POINTS)
endif()
