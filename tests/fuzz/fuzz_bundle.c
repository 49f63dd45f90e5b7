/*
 * Throws policy bundles at their reader and at the configuration's. An input that begins with `PK` is the ZIP itself;
 * any other is its files: separated by the byte 0x1e, each a name, a newline, and what is in it.
 *
 * What must hold: nothing crashes; what is refused says why; what is accepted is written, read again as the same, and
 * written again to the same bytes; its configuration is read whole, or refused with a line for each error.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/limits.h"
#include "bundle/bundle.h"
#include "fuzz.h"
#include "zip_builder.h"

static void add_file(struct zip_builder *z, const uint8_t *at, size_t len)
{
	const uint8_t *newline = memchr(at, '\n', len);
	size_t name_len = newline ? (size_t)(newline - at) : len;
	char *name = strndup((const char *)at, name_len < 300 ? name_len : 300);
	ASSERT(name);
	if (newline)
		zip_builder_add_file(z, name, newline + 1, len - name_len - 1, ZIP_BUILDER_STORED, 0644);
	else
		zip_builder_add(z, name, "");
	free(name);
}

static struct buf make_zip(const uint8_t *data, size_t size)
{
	struct zip_builder z = {0};
	while (size > 0 && z.entry_count <= LIMIT_BUNDLE_FILES) {
		const uint8_t *end = memchr(data, FUZZ_SEPARATOR, size);
		size_t len = end ? (size_t)(end - data) : size;
		add_file(&z, data, len);
		data += len + (end ? 1 : 0);
		size -= len + (end ? 1 : 0);
	}
	return zip_builder_finish(&z);
}

static int read_bundle(const struct buf *zip, struct bundle **ret)
{
	struct io_memory memory = {zip->data, zip->len};
	struct io_reader file = io_reader_memory(&memory);
	struct explain why = {0};
	int r = bundle_read(&file, ret, &why);
	ASSERT(r == 0 || (r == -EBADMSG && why.text[0] != '\0'));
	return r;
}

static struct buf write_bundle(const struct bundle *bundle)
{
	struct buf zip = {0};
	int fd = memfd_create("bundle", MFD_CLOEXEC);
	ASSERT(fd >= 0 && bundle_write(bundle, fd, NULL) == 0);
	ASSERT(lseek(fd, 0, SEEK_SET) == 0 && io_read_fd(fd, 2 * LIMIT_BUNDLE_BYTES, &zip) == 0);
	(void)close(fd);
	return zip;
}

static void check_same(const struct bundle *a, const struct bundle *b)
{
	const struct config_members *x = bundle_members(a), *y = bundle_members(b);
	ASSERT(x->count == y->count);
	for (size_t i = 0; i < x->count; i++)
		ASSERT(strcmp(x->all[i].name, y->all[i].name) == 0 && x->all[i].len == y->all[i].len &&
		       memcmp(x->all[i].bytes, y->all[i].bytes, x->all[i].len) == 0);
}

static void check_round_trip(const struct bundle *bundle)
{
	struct bundle *again = NULL;
	struct buf zip = write_bundle(bundle);
	ASSERT(read_bundle(&zip, &again) == 0);
	check_same(bundle, again);
	struct buf second = write_bundle(again);
	ASSERT(zip.len == second.len && memcmp(zip.data, second.data, zip.len) == 0);
	buf_done(&second);
	buf_done(&zip);
	bundle_unref(again);
}

static void check_config(const struct bundle *bundle)
{
	struct config *config = NULL;
	struct buf errors = {0};
	int r = config_load_bundle(bundle_members(bundle), &config, &errors);
	ASSERT(r == 0 ? config->terms && config->terms->sequence > 0 : r == -EINVAL && errors.len > 0);
	config_free(config);
	buf_done(&errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf zip = {0};
	struct bundle *bundle = NULL;
	if (size >= 2 && memcmp(data, "PK", 2) == 0)
		ASSERT(buf_append(&zip, data, size) == 0);
	else
		zip = make_zip(data, size);
	if (read_bundle(&zip, &bundle) == 0) {
		check_round_trip(bundle);
		check_config(bundle);
	}
	bundle_unref(bundle);
	buf_done(&zip);
	return 0;
}
