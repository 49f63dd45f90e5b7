/* bundle.c - the files of a policy bundle in memory, and which may be in one; from a ZIP, and to one. */
#include "bundle/bundle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive/zip.h"
#include "archive/zip_write.h"
#include "base/limits.h"
#include "base/text.h"
#include "internal.h"

#define NAME_BYTES_MAX 128U
#define SHOWN_SIZE     320

#define LAYOUT "a policy bundle has policy.conf, conf.d/<name>.conf and trust/<file>, and nothing else"

struct bundle *bundle_new(void)
{
	struct bundle *bundle = calloc(1, sizeof(*bundle));
	if (bundle) {
		bundle->refs = 1;
		bundle->list.all = bundle->members;
	}
	return bundle;
}

struct bundle *bundle_ref(struct bundle *bundle)
{
	if (bundle)
		(void)__atomic_fetch_add(&bundle->refs, 1, __ATOMIC_RELAXED);
	return bundle;
}

static void free_member(const struct config_member *member)
{
	free((void *)(uintptr_t)member->name);
	free((void *)(uintptr_t)member->bytes);
}

void bundle_unref(struct bundle *bundle)
{
	if (!bundle || __atomic_sub_fetch(&bundle->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (size_t i = 0; i < bundle->list.count; i++)
		free_member(&bundle->members[i]);
	free(bundle->zip);
	free(bundle);
}

const struct config_members *bundle_members(const struct bundle *bundle)
{
	return &bundle->list;
}

const struct io_memory *bundle_file(const struct bundle *bundle)
{
	return bundle->zip ? &bundle->file : NULL;
}

/* ---- what may be in one ---- */

/* A name without folder, which no tool reads as an option, hides, or takes for a backup. */
static bool is_plain(const char *name)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	return name[0] != '.' && name[0] != '-' && text_consists_of(name, strlen(name), set, 1, NAME_BYTES_MAX);
}

static bool may_be_called(const char *name)
{
	if (strcmp(name, CONFIG_TERMS_FILE) == 0)
		return true;
	if (text_starts_with(name, BUNDLE_CONF_D))
		return is_plain(name + strlen(BUNDLE_CONF_D)) && text_ends_with(name, ".conf");
	return text_starts_with(name, CONFIG_TERMS_TRUST) && is_plain(name + strlen(CONFIG_TERMS_TRUST));
}

static int refuse_name(const char *name, struct explain *ret_why)
{
	char shown[SHOWN_SIZE];
	text_escape_print(shown, sizeof(shown), name, strlen(name));
	bool is_placed = text_starts_with(name, BUNDLE_CONF_D) || text_starts_with(name, CONFIG_TERMS_TRUST);
	if (text_ends_with(name, "~") || text_ends_with(name, ".swp") || text_ends_with(name, ".bak"))
		explain_set(ret_why, "%s: looks like a backup of an editor's; remove it, or keep it elsewhere", shown);
	else if (is_placed)
		explain_set(ret_why,
			    "%s: no name for a file there: expected letters, digits and . _ - (not first), "
			    "at most %u, no folder below%s",
			    shown, NAME_BYTES_MAX,
			    text_starts_with(name, BUNDLE_CONF_D) ? ", \".conf\" at the end" : "");
	else
		explain_set(ret_why, "%s: does not belong here: " LAYOUT, shown);
	return -EINVAL;
}

/* The line of the first byte that is no text; 0: all is. */
static size_t find_no_text(const char *bytes, size_t len)
{
	size_t line = 1;
	for (size_t i = 0; i < len;) {
		uint32_t point;
		size_t used = text_decode_utf8(bytes + i, len - i, &point);
		if (used == 0 || point == 0)
			return line;
		line += point == '\n';
		i += used;
	}
	return 0;
}

static int check_member(const struct bundle *bundle, const char *name, const char *bytes, size_t len,
			struct explain *ret_why)
{
	if (!may_be_called(name))
		return refuse_name(name, ret_why);
	if (bundle->list.count == LIMIT_BUNDLE_FILES) {
		explain_set(ret_why, "%s: a policy bundle has at most %u files", name, LIMIT_BUNDLE_FILES);
		return -EINVAL;
	}
	if (len > LIMIT_BUNDLE_BYTES - bundle->total_bytes) {
		explain_set(ret_why, "%s: the files of a policy bundle have at most %u bytes together", name,
			    LIMIT_BUNDLE_BYTES);
		return -EINVAL;
	}
	size_t line = find_no_text(bytes, len);
	if (line > 0) {
		explain_set(ret_why, "%s:%zu: not text: expected ASCII or UTF-8 without NUL", name, line);
		return -EINVAL;
	}
	return 0;
}

int bundle_add(struct bundle *bundle, const char *name, const void *bytes, size_t len, struct explain *ret_why)
{
	int r = check_member(bundle, name, bytes, len, ret_why);
	if (r < 0)
		return r;
	char *own_name = strdup(name), *own_bytes = malloc(len + 1);
	if (!own_name || !own_bytes) {
		free(own_name);
		free(own_bytes);
		return -ENOMEM;
	}
	if (len > 0)
		memcpy(own_bytes, bytes, len);
	own_bytes[len] = '\0';
	bundle->members[bundle->list.count++] =
		(struct config_member){.name = own_name, .bytes = own_bytes, .len = len};
	bundle->total_bytes += len;
	return 0;
}

/* policy.conf first, then by name. */
static int in_order(const void *a, const void *b)
{
	const struct config_member *x = a, *y = b;
	bool x_is_terms = strcmp(x->name, CONFIG_TERMS_FILE) == 0, y_is_terms = strcmp(y->name, CONFIG_TERMS_FILE) == 0;
	return x_is_terms != y_is_terms ? (int)y_is_terms - (int)x_is_terms : strcmp(x->name, y->name);
}

int bundle_complete(struct bundle *bundle, struct explain *ret_why)
{
	const struct config_member *members = bundle->members;
	qsort(bundle->members, bundle->list.count, sizeof(bundle->members[0]), in_order);
	if (bundle->list.count == 0 || strcmp(members[0].name, CONFIG_TERMS_FILE) != 0) {
		explain_set(ret_why, CONFIG_TERMS_FILE ": is missing: " LAYOUT);
		return -EINVAL;
	}
	for (size_t i = 1; i < bundle->list.count; i++) {
		if (strcmp(members[i].name, members[i - 1].name) == 0) {
			explain_set(ret_why, "%s: is there twice", members[i].name);
			return -EINVAL;
		}
	}
	return 0;
}

/* ---- from a ZIP ---- */

static int read_entry(const struct io_reader *file, const struct zip_entry *entry, struct bundle *bundle,
		      struct explain *ret_why)
{
	char *bytes = malloc((size_t)entry->size_bytes + 1);
	int r = bytes ? zip_read_entry(file, entry, bytes) : -ENOMEM;
	if (r == -EBADMSG)
		explain_set(ret_why, "%s: its content is not what the archive states", entry->name);
	if (r == 0)
		r = bundle_add(bundle, entry->name, bytes, entry->size_bytes, ret_why);
	free(bytes);
	return r;
}

static int take_entry(const struct io_reader *file, const struct zip_entry *entry, struct bundle *bundle,
		      struct explain *ret_why)
{
	char shown[SHOWN_SIZE];
	bool is_folder = entry->kind == ZIP_ENTRY_DIRECTORY;
	if (is_folder && (strcmp(entry->name, CONFIG_CONF_D) == 0 || strcmp(entry->name, "trust") == 0))
		return 0;
	if (is_folder)
		return refuse_name(entry->name, ret_why);
	if (entry->executable) {
		text_escape_print(shown, sizeof(shown), entry->name, strlen(entry->name));
		explain_set(ret_why, "%s: is executable: nothing in a policy bundle is", shown);
		return -EINVAL;
	}
	return read_entry(file, entry, bundle, ret_why);
}

static int read_archive(const struct io_reader *file, struct bundle *bundle, struct explain *ret_why)
{
	const struct zip_limits limits = {.max_unpacked_bytes = LIMIT_BUNDLE_BYTES};
	struct zip_archive *archive = NULL;
	struct zip_refusal refusal = {0};
	int r = zip_open_archive(file, &limits, &archive, &refusal);
	if (r == -EBADMSG && ret_why)
		*ret_why = refusal.text;
	for (size_t i = 0; r == 0 && i < archive->entry_count; i++)
		r = take_entry(file, &archive->entries[i], bundle, ret_why);
	zip_close_archive(archive);
	return r == 0 ? bundle_complete(bundle, ret_why) : r;
}

/* What is read of it later is what is kept of it. */
static int take_file(const struct io_reader *file, struct bundle *bundle)
{
	bundle->zip = malloc((size_t)file->size_bytes + 1);
	if (!bundle->zip)
		return -ENOMEM;
	bundle->file = (struct io_memory){.bytes = bundle->zip, .len = (size_t)file->size_bytes};
	return file->size_bytes > 0 ? io_reader_pread(file, bundle->zip, (size_t)file->size_bytes, 0) : 0;
}

int bundle_read(const struct io_reader *file, struct bundle **ret, struct explain *ret_why)
{
	if (file->size_bytes > LIMIT_BUNDLE_ZIP_BYTES) {
		explain_set(ret_why, "the file has %llu bytes: a policy bundle has at most %u",
			    (unsigned long long)file->size_bytes, LIMIT_BUNDLE_ZIP_BYTES);
		return -EBADMSG;
	}
	struct bundle *bundle = bundle_new();
	int r = bundle ? take_file(file, bundle) : -ENOMEM;
	if (r == 0) {
		const struct io_reader reader = io_reader_memory(&bundle->file);
		r = read_archive(&reader, bundle, ret_why);
	}
	if (r == 0) {
		*ret = bundle;
		bundle = NULL;
	}
	bundle_unref(bundle);
	return r == -EINVAL ? -EBADMSG : r;
}

/* ---- to a ZIP ---- */

int bundle_write(const struct bundle *bundle, int fd, struct explain *ret_why)
{
	struct zip_write_entry entries[LIMIT_BUNDLE_FILES];
	struct buf zip = {0};
	for (size_t i = 0; i < bundle->list.count; i++)
		entries[i] = (struct zip_write_entry){bundle->members[i].name, bundle->members[i].bytes,
						      bundle->members[i].len};
	int r = zip_write(entries, bundle->list.count, &zip);
	if (r == 0)
		r = io_write_full(fd, zip.data, zip.len);
	if (r < 0)
		explain_set(ret_why, "the bundle cannot be written: %s", strerror(-r));
	buf_done(&zip);
	return r;
}
