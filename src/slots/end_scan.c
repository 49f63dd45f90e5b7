#include "slots/end_scan.h"

#include <string.h>

#include "archive/zip.h"
#include "base/limits.h"

static const uint8_t signature[4] = {'P', 'K', 5, 6};

/* The last whole end record in bytes. */
static void find_last(struct end_scan *scan, const uint8_t *bytes, size_t len, uint64_t offset)
{
	if (len < END_RECORD_BYTES)
		return;
	size_t room = len - END_RECORD_BYTES + 1; /* where one can begin */
	const uint8_t *p;
	while (room > 0 && (p = memrchr(bytes, signature[0], room)) != NULL) {
		if (memcmp(p, signature, sizeof(signature)) == 0) {
			memcpy(scan->record, p, END_RECORD_BYTES);
			scan->record_offset = offset + (uint64_t)(p - bytes);
			scan->seen = true;
			return;
		}
		room = (size_t)(p - bytes);
	}
}

bool end_scan_completes(struct end_scan *scan, const void *bytes, size_t len, uint64_t offset)
{
	const uint8_t *at = bytes;

	/* A record may lie across the seam. */
	uint8_t seam[2 * (END_RECORD_BYTES - 1)];
	size_t head = len < END_RECORD_BYTES - 1 ? len : END_RECORD_BYTES - 1;
	memcpy(seam, scan->carry, scan->carry_len);
	memcpy(seam + scan->carry_len, at, head);
	find_last(scan, seam, scan->carry_len + head, offset - scan->carry_len);

	const size_t window = LIMIT_ZIP_COMMENT_BYTES + END_RECORD_BYTES;
	size_t skipped = len > window ? len - window : 0;
	find_last(scan, at + skipped, len - skipped, offset + skipped);

	if (len >= sizeof(scan->carry)) {
		scan->carry_len = sizeof(scan->carry);
		memcpy(scan->carry, at + len - scan->carry_len, scan->carry_len);
	} else {
		size_t total = scan->carry_len + len; /* all of it is in seam */
		size_t keep = total < sizeof(scan->carry) ? total : sizeof(scan->carry);
		memcpy(scan->carry, seam + total - keep, keep);
		scan->carry_len = keep;
	}
	return scan->seen && zip_end_record_completes(scan->record, scan->record_offset, offset + len);
}
