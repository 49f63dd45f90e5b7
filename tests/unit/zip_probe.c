#include "zip_probe.h"

#include <errno.h>

#include "base/limits.h"

static unsigned probe(const struct buf *zip, bool with_contents, struct zip_refusal *ret_refusal)
{
	const struct zip_limits limits = {.max_unpacked_bytes = LIMIT_UNPACKED_BYTES_DEFAULT};
	struct io_memory memory = {.bytes = zip->data, .len = zip->len};
	struct io_reader file = io_reader_memory(&memory);
	struct zip_archive *archive = NULL;
	struct zip_refusal refusal = {0};

	int r = zip_open_archive(&file, &limits, &archive, &refusal);
	if (r == 0 && with_contents)
		r = zip_check_contents(&file, archive, &limits, &refusal);
	zip_close_archive(archive);
	ASSERT(r == 0 || r == -EBADMSG);
	ASSERT((r == 0) == (refusal.rule == 0));
	if (ret_refusal)
		*ret_refusal = refusal;
	return refusal.rule;
}

unsigned zip_probe(const struct buf *zip, struct zip_refusal *ret_refusal)
{
	return probe(zip, true, ret_refusal);
}

unsigned zip_probe_structure(const struct buf *zip, struct zip_refusal *ret_refusal)
{
	return probe(zip, false, ret_refusal);
}

unsigned zip_probe_builder(struct zip_builder *z, struct zip_refusal *ret_refusal)
{
	struct buf zip = zip_builder_finish(z);
	unsigned rule = zip_probe(&zip, ret_refusal);
	buf_done(&zip);
	return rule;
}
