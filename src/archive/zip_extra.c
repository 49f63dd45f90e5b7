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

static void read_timestamp(const uint8_t *field, size_t len, struct zip_extra *extra)
{
	if (len < 5 || !(field[0] & TIMESTAMP_MTIME))
		return;
	extra->has_mtime = true;
	extra->mtime_s = (int32_t)zip_u32(field + 1);
}

/* One field; *seen has a bit for each allowed id. */
static const char *check_field(const uint8_t *bytes, size_t len, struct zip_extra *extra, unsigned *seen)
{
	uint16_t field_len = zip_u16(bytes + 2);
	extra->id = zip_u16(bytes);
	if (field_len > len - 4)
		return "is longer than its place";
	size_t index;
	if (!find_id(extra->id, &index))
		return "is none of those that cannot change the entry's meaning";
	if (*seen & (1U << index))
		return "is there twice";
	*seen |= 1U << index;
	if (extra->id != EXTRA_TIMESTAMP)
		return NULL;
	if (field_len == 0)
		return "is empty, which bsdtar does not read";
	read_timestamp(bytes + 4, field_len, extra);
	return NULL;
}

struct zip_extra zip_extra_read(const uint8_t *bytes, size_t len)
{
	struct zip_extra extra = {0};
	unsigned seen = 0;
	while (len > 0) {
		if (len < 4)
			return (struct zip_extra){.problem = "ends in a fragment"};
		extra.problem = check_field(bytes, len, &extra, &seen);
		if (extra.problem)
			return extra;
		size_t step = 4U + zip_u16(bytes + 2);
		bytes += step;
		len -= step;
	}
	return extra;
}

int zip_extra_refuse(const struct zip_extra *extra, const char *name, size_t name_len, struct zip_refusal *refusal)
{
	if (!extra->problem)
		return 0;
	if (extra->id == EXTRA_ZIP64)
		return zip_refuse_entry(refusal, ZIP_R04_ZIP64, REMEDY_ZIP64, name, name_len,
					"it has a ZIP64 extra field (0x0001)");
	if (extra->id == 0)
		return zip_refuse_entry(refusal, ZIP_R09_EXTRA, REMEDY_EXTRA, name, name_len,
					"the list of extra fields %s", extra->problem);
	return zip_refuse_entry(refusal, ZIP_R09_EXTRA, REMEDY_EXTRA, name, name_len, "extra field 0x%04x %s",
				extra->id, extra->problem);
}
