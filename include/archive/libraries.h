/* libraries.h - which versions of its libraries the module runs with, for reports of bugs. */
#ifndef ARCHIVE_LIBRARIES_H
#define ARCHIVE_LIBRARIES_H

#include "base/buf.h"

/* "libzip 1.7.3, zlib 1.2.13, libdeflate 1.14, utf8proc 2.8.0"; of libdeflate the one it was built with. */
int archive_print_libraries(struct buf *ret);

#endif
