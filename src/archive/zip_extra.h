/*
 * zip_extra.h - R9: extra fields, and the one value that is taken from them.
 */
#ifndef ARCHIVE_ZIP_EXTRA_H
#define ARCHIVE_ZIP_EXTRA_H

#include "zip_refuse.h"

/*
 * What is wrong with the extra fields of one header, or NULL; then *ret_rule is R4 or R9. *ret_mtime_s is the
 * modification time of an extended timestamp and stays as it is where there is none.
 */
const char *zip_extra_check(const uint8_t *bytes, size_t len, enum zip_rule *ret_rule, int64_t *ret_mtime_s);

#endif
