#include "archive/libraries.h"

#include <libdeflate.h>
#include <utf8proc.h>
#include <zip.h>
#include <zlib.h>

int archive_print_libraries(struct buf *ret)
{
	return buf_printf(ret, "libzip %s, zlib %s, libdeflate %s, utf8proc %s", zip_libzip_version(), zlibVersion(),
			  LIBDEFLATE_VERSION_STRING, utf8proc_version());
}
