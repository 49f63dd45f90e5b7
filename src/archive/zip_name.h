/*
 * zip_name.h - R10: which names are allowed, and how two components are compared for R11.
 */
#ifndef ARCHIVE_ZIP_NAME_H
#define ARCHIVE_ZIP_NAME_H

#include "base/limits.h"
#include "zip_refuse.h"

/* R10. name is raw, as it stands in the header; is_utf8 is flag bit 11. */
int zip_name_check(const char *name, size_t len, bool is_utf8, struct zip_refusal *refusal);

bool zip_name_is_ascii(const char *name, size_t len);

/* The longest expansion of one code point under NFKC (U+FDFA) and of casefolding, as code points. */
#define ZIP_FOLD_EXPANSION_MAX 18U

/* A component after NFKC and full case folding. It may hold slashes then (U+2100 folds to a/c). */
struct zip_folded {
	const char *text;
	size_t len;
	int32_t room[LIMIT_ZIP_COMPONENT_BYTES * ZIP_FOLD_EXPANSION_MAX + 1];
};
void zip_name_fold(const char *component, size_t len, struct zip_folded *ret);

#endif
