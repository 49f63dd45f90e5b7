#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/store/internal.h"
#include "base/log.h"
#include "base/text.h"
#include "fuzz.h"
#include "zip_builder.h"

#define FILE_MAX (1024U * 1024)

/* ---- making it ---- */

static struct buf text_of(const char *text)
{
	struct buf ret = {0};
	ASSERT(buf_puts(&ret, text) == 0);
	return ret;
}

static struct buf unsigned_zip(void)
{
	struct zip_builder z = {0};
	(void)zip_builder_add_dir(&z, "lib/");
	(void)zip_builder_add_file(&z, "lib/x.py", "print(1)\n", 9, ZIP_BUILDER_DEFLATED, 0755);
	(void)zip_builder_add(&z, "marker", "unsigned");
	return zip_builder_finish(&z);
}

static void make_contents(struct fuzz_host *host)
{
	host->contents[0] = slots_fixture_zip(host->f, "one");
	host->contents[1] = slots_fixture_zip(host->f, "two");
	host->contents[2] = slots_fixture_zip(host->f, "three");
	host->contents[3] = unsigned_zip();
	host->contents[4] = slots_fixture_zip(host->f, "damaged");
	host->contents[4].data[40] ^= 1;
	host->contents[5] = text_of("base:1\ntools:1\n");
	host->contents[6] = text_of("1\n");
	host->contents[7] = text_of("60 because of a test\n");
}

static void put(const struct fuzz_host *host, const char *directory, unsigned content)
{
	ASSERT(slots_fixture_put(host->f, directory, "a.zip", &host->contents[content]) == 0);
}

void fuzz_host_make(struct fuzz_host *ret)
{
	void *state = NULL;
	ASSERT(setenv("TMPDIR", fuzz_directory(), 1) == 0);
	ASSERT(layers_fixture_setup(&state) == 0);
	log_set_level(LOG_LEVEL_ERROR);
	*ret = (struct fuzz_host){.f = state};
	const char *directory = ret->f->host->dir;
	(void)snprintf(ret->config_path, sizeof(ret->config_path), "%s/vouchfs.conf", directory);
	(void)snprintf(ret->store_path, sizeof(ret->store_path), "%s/store", directory);
	(void)snprintf(ret->pristine, sizeof(ret->pristine), "%s/pristine", fuzz_directory());
	make_contents(ret);
	put(ret, MAIN, 0);
	put(ret, MAIN, 1);
	ASSERT(layers_fixture_attach(ret->f, MAIN, "base:1\ntools:1\n") == 0);
	put(ret, RELAXED, 2);
	slots_fixture_stop(ret->f);
	ASSERT(rename(directory, ret->pristine) == 0);
}

void fuzz_host_restore(const struct fuzz_host *host)
{
	fuzz_remove_tree(host->f->host->dir);
	fuzz_copy_tree(host->pristine, host->f->host->dir);
}

/* ---- changing a file of its store ---- */

static bool ends_in(const char *name, const char *const *ends, size_t count)
{
	const char *slash = strrchr(name, '/');
	const char *last = slash ? slash + 1 : name;
	for (size_t i = 0; i < count; i++)
		if (strcmp(last, ends[i]) == 0)
			return true;
	return text_starts_with(last, "policy.") || text_starts_with(name, "revocations/");
}

/* Texts that say where they are (store_text.c). */
static bool is_text(const char *name)
{
	static const char *const ends[] = {"slot",     "note",	  "current", "layers",	   "break-glass",
					   "bindings", "next-id", "last",    "generation", "sequence"};
	return ends_in(name, ends, ARRAY_SIZE(ends));
}

static bool is_release(const char *name)
{
	return strstr(name, "/releases/") != NULL;
}

static struct buf wrap(const char *name, const char *text, size_t len)
{
	struct buf ret = {0};
	if (is_text(name))
		ASSERT(buf_printf(&ret, "vouchfs-text: 1\nplace: %s\n\n", name) == 0);
	ASSERT(buf_append(&ret, text, len) == 0);
	if (is_text(name))
		ASSERT(buf_putc(&ret, '\n') == 0);
	if (is_text(name) || is_release(name))
		ASSERT(store_seal(&ret) == 0);
	return ret;
}

static void replace(const struct fuzz_host *host, const char *name, const char *text, size_t len)
{
	struct buf file = wrap(name, text, len);
	(void)fuzz_write_file(host->store_path, name, file.data ? file.data : "", file.len, 0600);
	buf_done(&file);
}

/* The next line of the part, without its end. */
static bool next_line(const char **at, const char *end, struct text_line *ret)
{
	if (*at >= end)
		return false;
	const char *newline = memchr(*at, '\n', (size_t)(end - *at));
	ret->value = *at;
	ret->value_len = (size_t)((newline ? newline : end) - *at);
	*at = newline ? newline + 1 : end;
	return true;
}

static void substitute(struct buf *file, const struct text_line *old, const struct text_line *new)
{
	struct buf changed = {0};
	const char *found = old->value_len > 0 ? memmem(file->data, file->len, old->value, old->value_len) : NULL;
	if (!found)
		return;
	size_t at = (size_t)(found - file->data), behind = at + old->value_len;
	ASSERT(buf_append(&changed, file->data, at) == 0 && buf_append(&changed, new->value, new->value_len) == 0);
	ASSERT(buf_append(&changed, file->data + behind, file->len - behind) == 0);
	buf_done(file);
	*file = changed;
}

static void edit(const struct fuzz_host *host, const char *name, const struct fuzz_part *part)
{
	char path[FUZZ_NAME_SIZE + 160];
	struct buf file = {0};
	struct text_line old, new;
	size_t len;
	const char *at = part->bytes, *end = part->bytes + part->len;
	(void)snprintf(path, sizeof(path), "%s/%s", host->store_path, name);
	if (strstr(name, "..") || io_read_path(path, FILE_MAX, &file) < 0 || !file.data)
		return;
	bool is_sealed = store_unseal(file.data, file.len, &len) == 0;
	file.len = is_sealed ? len : file.len;
	while (next_line(&at, end, &old) && next_line(&at, end, &new))
		substitute(&file, &old, &new);
	if (is_sealed)
		ASSERT(store_seal(&file) == 0);
	(void)fuzz_write_file(host->store_path, name, file.data ? file.data : "", file.len, 0600);
	buf_done(&file);
}

static void drop(const struct fuzz_host *host, const char *name)
{
	char path[FUZZ_NAME_SIZE + 160];
	(void)snprintf(path, sizeof(path), "%s/%s", host->store_path, name);
	if (name[0] != '\0' && !strstr(name, ".."))
		fuzz_remove_tree(path);
}

void fuzz_host_change(const struct fuzz_host *host, const struct fuzz_part *part)
{
	char name[FUZZ_NAME_SIZE], *blank;
	memcpy(name, part->name, sizeof(name));
	const char *how = "";
	if ((blank = strchr(name, ' ')) != NULL) {
		*blank = '\0';
		how = blank + 1;
	}
	if (strcmp(how, "edit") == 0)
		edit(host, name, part);
	else if (strcmp(how, "remove") == 0)
		drop(host, name);
	else if (strcmp(how, "raw") == 0)
		(void)fuzz_write_file(host->store_path, name, part->bytes, part->len, 0600);
	else
		replace(host, name, part->bytes, part->len);
}
