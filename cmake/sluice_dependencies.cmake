# Every library Sluice stands on, found once. All are Debian 12 packages (tools/bootstrap installs them).
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(CURL REQUIRED)
find_package(Boost 1.81 REQUIRED)

# libmongoc: 2.x where it is installed, else 1.x.
pkg_check_modules(MONGOC IMPORTED_TARGET mongoc2)
if(NOT MONGOC_FOUND)
  pkg_check_modules(MONGOC REQUIRED IMPORTED_TARGET libmongoc-1.0)
endif()
pkg_check_modules(URING REQUIRED IMPORTED_TARGET liburing)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(PROMETHEUS REQUIRED IMPORTED_TARGET prometheus-cpp-core)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
find_library(SNAPPY_LIBRARY snappy REQUIRED)
find_package(simdjson REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(spdlog REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)

# Asio, compiled once per backend (BOOST_ASIO_SEPARATE_COMPILATION keeps it out of every other file).
add_library(sluice_asio_io_uring INTERFACE)
target_compile_definitions(sluice_asio_io_uring INTERFACE
  BOOST_ASIO_HAS_IO_URING BOOST_ASIO_DISABLE_EPOLL SLUICE_BACKEND_IO_URING)
add_library(sluice_asio_epoll INTERFACE)
target_compile_definitions(sluice_asio_epoll INTERFACE SLUICE_BACKEND_EPOLL)
foreach(backend io_uring epoll)
  target_compile_definitions(sluice_asio_${backend} INTERFACE
    BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_DATE_TIME)
  target_link_libraries(sluice_asio_${backend} INTERFACE Boost::boost OpenSSL::SSL PkgConfig::URING Threads::Threads)
endforeach()
