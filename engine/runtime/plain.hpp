// Included first by every file that is compiled once for both backends (PLAIN in cmake/sluice_layers.cmake): Asio in
// such a file would be a third backend, so the compiler refuses it.
#pragma once

#pragma GCC poison BOOST_ASIO_DECL
