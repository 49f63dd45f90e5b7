#include "mountinfo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/text.h"

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* Blanks, tabs, newlines and backslashes are written \ooo; done in place. */
static void unescape(char *text)
{
	char *to = text;
	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && is_octal(from[1]) && is_octal(from[2]) && is_octal(from[3])) {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

static bool read_super_options(char *options, struct mountinfo_entry *entry)
{
	for (char *word; (word = strsep(&options, ","));) {
		uint64_t user;
		if (strcmp(word, "ro") == 0)
			entry->read_only = true;
		if (!text_starts_with(word, "user_id="))
			continue;
		const char *digits = word + strlen("user_id=");
		if (!text_parse_u64(digits, strlen(digits), UINT32_MAX, &user))
			return false;
		entry->user = (uid_t)user;
		entry->has_user = true;
	}
	return true;
}

/* id parent major:minor root mountpoint options [optional ...] - type source super-options */
static bool read_line(char *line, struct mountinfo_entry *ret)
{
	enum { ID, PARENT, DEVICE, ROOT, MOUNTPOINT, OPTIONS, BEFORE_COUNT };
	char *before[BEFORE_COUNT];
	for (size_t i = 0; i < BEFORE_COUNT; i++)
		if (!(before[i] = strsep(&line, " ")))
			return false;
	for (const char *word; (word = strsep(&line, " "));)
		if (strcmp(word, "-") == 0)
			break;
	char *type = strsep(&line, " "), *source = strsep(&line, " "), *super = strsep(&line, " ");
	if (!type || !source || !super)
		return false;

	unescape(before[ROOT]);
	unescape(before[MOUNTPOINT]);
	unescape(type);
	unescape(source);
	*ret = (struct mountinfo_entry){
		.device = before[DEVICE],
		.root = before[ROOT],
		.mountpoint = before[MOUNTPOINT],
		.type = type,
		.source = source,
	};
	return text_parse_u64(before[ID], strlen(before[ID]), UINT64_MAX, &ret->id) &&
	       text_parse_u64(before[PARENT], strlen(before[PARENT]), UINT64_MAX, &ret->parent) &&
	       read_super_options(super, ret);
}

static size_t count_lines(const char *text)
{
	size_t count = 0;
	while ((text = strchr(text, '\n'))) {
		text++;
		count++;
	}
	return count;
}

int mountinfo_parse(char *text, struct mountinfo *ret)
{
	struct mountinfo info = {.text = text};
	int r = -ENOMEM;
	info.entries = calloc(count_lines(text) + 1, sizeof(*info.entries));
	if (!info.entries)
		goto out;

	r = -EBADMSG;
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
		if (!*line)
			continue;
		if (!read_line(line, &info.entries[info.count]))
			goto out;
		info.count++;
	}
	*ret = info;
	info = (struct mountinfo){0};
	r = 0;
out:
	mountinfo_done(&info);
	return r;
}

int mountinfo_read(struct mountinfo *ret)
{
	struct buf text = {0};
	int r = io_read_path("/proc/self/mountinfo", LIMIT_MOUNTINFO_BYTES, &text);
	if (r == 0) {
		char *taken = buf_steal(&text);
		r = taken ? mountinfo_parse(taken, ret) : -ENOMEM;
	}
	buf_done(&text);
	return r;
}

void mountinfo_done(struct mountinfo *info)
{
	free(info->entries);
	free(info->text);
	*info = (struct mountinfo){0};
}

const struct mountinfo_entry *mountinfo_at(const struct mountinfo *info, const char *mountpoint)
{
	for (size_t i = info->count; i > 0; i--)
		if (strcmp(info->entries[i - 1].mountpoint, mountpoint) == 0)
			return &info->entries[i - 1];
	return NULL;
}

bool mountinfo_is_vouchfs(const struct mountinfo_entry *entry)
{
	return strcmp(entry->type, MOUNTINFO_DEPLOYMENT) == 0 || strcmp(entry->type, MOUNTINFO_SIGNING) == 0;
}

/* Mounted by root or by this user. */
static bool is_trusted(const struct mountinfo_entry *entry, uid_t user)
{
	return entry->has_user && (entry->user == 0 || entry->user == user);
}

const struct mountinfo_entry *mountinfo_find_tree(const struct mountinfo *info, const char *type, const char *source,
						  uid_t user)
{
	for (size_t i = 0; i < info->count; i++) {
		const struct mountinfo_entry *e = &info->entries[i];
		if (strcmp(e->type, type) == 0 && is_trusted(e, user) && !e->read_only &&
		    strcmp(e->source, source) == 0 && strcmp(e->root, "/") == 0)
			return e;
	}
	return NULL;
}

/* As runtime.h has it. */
static bool is_in_runtime(const char *mountpoint)
{
	return text_starts_with(mountpoint, "/run/vouchfs-") && text_ends_with(mountpoint, "/run");
}

const struct mountinfo_entry *mountinfo_find_run(const struct mountinfo *info, const struct mountinfo_entry *tree)
{
	for (size_t i = 0; i < info->count; i++) {
		const struct mountinfo_entry *e = &info->entries[i];
		bool ours = strcmp(e->type, tree->type) == 0 && e->read_only && e->has_user && tree->has_user &&
			    e->user == tree->user && strcmp(e->source, tree->source) == 0;
		/* root's is mounted inside, a user's and a confined service's elsewhere */
		if (ours && (e->user != 0 || e->parent == tree->id || is_in_runtime(e->mountpoint)))
			return e;
	}
	return NULL;
}
