/*
 * end_scan.h - finds the write that completes a ZIP.
 *
 * Fed with the bytes of a file that is written in order, it knows after each piece whether what has been written so far
 * ends in an end record that fits. A cheap test without a verdict; looks at no more than the last 64 KiB of each piece.
 */
#ifndef SLOTS_END_SCAN_H
#define SLOTS_END_SCAN_H

#include "base/base.h"

#define END_RECORD_BYTES 22

struct end_scan {
	uint8_t carry[END_RECORD_BYTES - 1]; /* the last bytes of the piece before */
	size_t carry_len;
	uint8_t record[END_RECORD_BYTES]; /* the last end record seen */
	uint64_t record_offset;
	bool seen;
};

/* All-zero is a fresh one. offset is where the bytes begin, the end of all that was fed before. */
bool end_scan_completes(struct end_scan *scan, const void *bytes, size_t len, uint64_t offset);

#endif
