/*
 * scan.h - the strict reading of one file, before inih's. Internal to config.
 */
#ifndef CONFIG_SCAN_H
#define CONFIG_SCAN_H

#include "report.h"

struct scan_header {
	char text[LIMIT_CONFIG_SECTION_BYTES + 1]; /* between the brackets */
	unsigned line;
};

struct scan {
	struct buf clean;	     /* headers and settings as they stand; everything else is an empty line */
	struct scan_header *headers; /* every one, those without settings too */
	size_t header_count;
	unsigned *setting_lines; /* the n-th setting in clean stands on this line */
	size_t setting_count;
};

/*
 * Fills *ret with what inih can only read in one way; all else is reported. Settings below a refused header are left
 * out. 0 or -ENOMEM; scan_done in any case.
 */
int scan_text(const struct file *file, const char *bytes, size_t len, struct report *report, struct scan *ret);
void scan_done(struct scan *scan);

#endif
