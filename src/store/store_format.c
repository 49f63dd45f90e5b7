/*
 * The file "format": which form a store has, and which program made it so. What a newer program has written is refused
 * as it lies: guessing at it could lose what this one does not know of.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "internal.h"

#define FORMAT_NAME  "format"
#define FORMAT_KEY   "vouchfs-store"
#define FORMAT_KNOWN 1
#define FORMAT_MAX   256
#define SHOWN_MAX    64

#define ANOTHER_STORE "or name another store in [vouchfs]"

int store_format_write(struct store *store)
{
	struct buf text = {0};
	int r = buf_printf(&text, FORMAT_KEY ": %d\nmade-by: vouchfs " VOUCHFS_VERSION "\n", FORMAT_KNOWN);
	if (r == 0)
		r = store_write_file(store, store->root_fd, FORMAT_NAME, text.data, text.len);
	buf_done(&text);
	return r;
}

static int explain_newer(const char *shown, uint64_t number, const struct buf *text, struct explain *why)
{
	char maker[SHOWN_MAX] = "a newer vouchfs";
	char *made_by = text_record_get(text->data, text->len, "made-by");
	if (made_by)
		(void)text_escape_print(maker, sizeof(maker), made_by, strlen(made_by));
	free(made_by);
	explain_set(why,
		    "store %s has format %llu, as %s made it; this is vouchfs " VOUCHFS_VERSION
		    ", which knows format %d: install that version or a later one here, " ANOTHER_STORE
		    "; nothing was changed",
		    shown, (unsigned long long)number, maker, FORMAT_KNOWN);
	return -EPROTONOSUPPORT;
}

static int explain_garbled(const char *shown, const struct buf *text, struct explain *why)
{
	char found[SHOWN_MAX];
	size_t len = text->len > 0 ? strcspn(text->data, "\n") : 0;
	if (text->len == 0)
		explain_set(why,
			    "store %s: its file \"" FORMAT_NAME
			    "\" is empty, so it cannot be told what the store holds; "
			    "restore that file from a backup, " ANOTHER_STORE "; nothing was changed",
			    shown);
	else
		explain_set(why,
			    "store %s: its file \"" FORMAT_NAME "\" begins with \"%s\" where \"" FORMAT_KEY
			    ": %d\" is expected; restore that file from a backup, " ANOTHER_STORE
			    "; nothing was changed",
			    shown, text_escape_print(found, sizeof(found), text->data, len), FORMAT_KNOWN);
	return -EBADMSG;
}

int store_format_check(int root_fd, const char *shown, struct explain *ret_why)
{
	struct buf text = {0};
	struct text_line line;
	uint64_t number = 0;
	int r = io_read_file(root_fd, FORMAT_NAME, FORMAT_MAX, &text);
	if (r == -ENOENT)
		goto out;
	if (r < 0) {
		explain_set(ret_why, "store %s: its file \"" FORMAT_NAME "\" cannot be read: %s", shown, strerror(-r));
		r = store_as_damage(r);
		goto out;
	}
	const char *cursor = text.data;
	bool is_format = text.len > 0 && text_next_line(&cursor, text.data + text.len, &line) &&
			 text_equal(line.key, line.key_len, FORMAT_KEY) &&
			 text_parse_u64(line.value, line.value_len, UINT64_MAX, &number) && number > 0;
	if (!is_format)
		r = explain_garbled(shown, &text, ret_why);
	else if (number > FORMAT_KNOWN)
		r = explain_newer(shown, number, &text, ret_why);
out:
	buf_done(&text);
	return r;
}
