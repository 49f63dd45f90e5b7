/*
 * Extra fields: a list of (id, length, bytes) behind the name of every header. Ids are PKWARE's (APPNOTE.TXT 6.3.10,
 * section 4.5.2) and Info-ZIP's (proginfo/extrafld.txt).
 */
#include "zip_extra.h"

#include "zip_format.h"

#define EXTRA_ZIP64	0x0001U
#define EXTRA_TIMESTAMP 0x5455U
#define TIMESTAMP_MTIME 1U /* bit 0 of its first byte: a modification time follows */

static const uint16_t allowed_ids[] = {
	EXTRA_TIMESTAMP, 0x7875, /* Unix owner, "ux" */
	0x5855,			 /* Unix times and owner, "UX" */
	0x7855,			 /* Unix owner, "Ux" */
	0x000a,			 /* NTFS times */
	0xcafe,			 /* Java's mark */
};

static bool find_id(uint16_t id, size_t *ret_index)
{
	for (size_t i = 0; i < ARRAY_SIZE(allowed_ids); i++) {
		if (allowed_ids[i] == id) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

static void read_timestamp(const uint8_t *field, size_t len, int64_t *ret_mtime_s)
{
	if (len >= 5 && (field[0] & TIMESTAMP_MTIME))
		*ret_mtime_s = (int32_t)zip_u32(field + 1);
}

const char *zip_extra_check(const uint8_t *bytes, size_t len, enum zip_rule *ret_rule, int64_t *ret_mtime_s)
{
	unsigned seen = 0;

	*ret_rule = ZIP_R09_EXTRA;
	while (len > 0) {
		if (len < 4)
			return "extra fields end in a fragment";
		uint16_t id = zip_u16(bytes), field_len = zip_u16(bytes + 2);
		if (field_len > len - 4)
			return "an extra field is longer than its place";
		if (id == EXTRA_ZIP64) {
			*ret_rule = ZIP_R04_ZIP64;
			return "it has a ZIP64 extra field";
		}
		size_t index;
		if (!find_id(id, &index))
			return "it has an extra field that can change its meaning or is unknown";
		if (seen & (1U << index))
			return "it has the same extra field twice";
		seen |= 1U << index;
		if (id == EXTRA_TIMESTAMP)
			read_timestamp(bytes + 4, field_len, ret_mtime_s);
		bytes += 4U + field_len;
		len -= 4U + field_len;
	}
	return NULL;
}
