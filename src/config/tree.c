/*
 * tree.c - hands the scanned text to inih and keeps what comes back.
 *
 * inih r55 tells its handler no line numbers, so the n-th setting it delivers is matched with the n-th that the scan
 * saw. Should the two ever disagree about number or section, the file is refused.
 */
#include "tree.h"

#include <errno.h>
#include <ini.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "scan.h"

static void setting_done(struct setting *setting)
{
	free(setting->key);
	free(setting->value);
}

static void section_free(struct section *section)
{
	if (!section)
		return;
	for (size_t i = 0; i < section->count; i++)
		setting_done(&section->settings[i]);
	free(section->settings);
	free(section->text);
	free(section);
}

static void file_free(struct file *file)
{
	if (!file)
		return;
	free(file->shown);
	free(file->path);
	free(file->directory);
	free(file);
}

static void leave_section(void *section UNUSED)
{
}

void tree_done(struct tree *tree)
{
	tdestroy(tree->by_text, leave_section);
	for (size_t i = 0; i < tree->section_count; i++)
		section_free(tree->sections[i]);
	for (size_t i = 0; i < tree->file_count; i++)
		file_free(tree->files[i]);
	free(tree->sections);
	free(tree->files);
	*tree = (struct tree){0};
}

static char *escape_path(const char *path)
{
	size_t size = 4 * strlen(path) + 8; /* every byte as \xNN */
	char *shown = malloc(size);
	return shown ? text_escape_print(shown, size, path, strlen(path)) : NULL;
}

/* Where it lies: its name, in its directory. */
static char *locate(const char *path, const char *directory)
{
	const char *name = strrchr(path, '/'), *slash = text_ends_with(directory, "/") ? "" : "/";
	char *located;
	return asprintf(&located, "%s%s%s", directory, slash, name ? name + 1 : path) < 0 ? NULL : located;
}

struct file *tree_add_file(struct tree *tree, const char *path, const char *directory)
{
	struct file **files = reallocarray(tree->files, tree->file_count + 1, sizeof(struct file *));
	if (!files)
		return NULL;
	tree->files = files;

	struct file *file = calloc(1, sizeof(*file));
	if (!file)
		return NULL;
	file->shown = escape_path(path);
	file->path = locate(path, directory);
	file->directory = strdup(directory);
	file->order = tree->first_order + tree->file_count;
	if (!file->shown || !file->path || !file->directory) {
		file_free(file);
		return NULL;
	}
	files[tree->file_count++] = file;
	return file;
}

static int by_text(const void *a, const void *b)
{
	const struct section *x = a, *y = b;
	return strcmp(x->text, y->text);
}

struct section *tree_find(const struct tree *tree, const char *text)
{
	struct section key = {.text = (char *)text};
	struct section *const *found = tfind(&key, &tree->by_text, by_text);
	return found ? *found : NULL;
}

/* Takes the section over when there is memory. */
static int keep_section(struct tree *tree, struct section *section)
{
	size_t count = tree->section_count;
	if ((count & (count - 1)) == 0) { /* full at every power of two */
		struct section **more = reallocarray(tree->sections, count ? 2 * count : 1, sizeof(struct section *));
		if (!more)
			return -ENOMEM;
		tree->sections = more;
	}
	if (!tsearch(section, &tree->by_text, by_text))
		return -ENOMEM;
	tree->sections[tree->section_count++] = section;
	return 0;
}

static int add_section(struct tree *tree, const char *text, struct place at)
{
	struct section *section = calloc(1, sizeof(*section));
	if (!section)
		return -ENOMEM;
	section->at = at;
	section->text = strdup(text);
	int r = section->text ? keep_section(tree, section) : -ENOMEM;
	if (r < 0)
		section_free(section);
	return r;
}

static int add_sections(struct tree *tree, const struct file *file, const struct scan *scan, struct report *report)
{
	for (size_t i = 0; i < scan->header_count; i++) {
		const struct scan_header *header = &scan->headers[i];
		struct place at = {.file = file, .line = header->line};
		if (tree_find(tree, header->text))
			continue;
		if (tree->section_count == LIMIT_CONFIG_SECTIONS) {
			report_error(report, at, "more than %u sections", LIMIT_CONFIG_SECTIONS);
			return 0;
		}
		int r = add_section(tree, header->text, at);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_setting(struct section *section, const char *key, const char *value, struct place at)
{
	struct setting *settings = reallocarray(section->settings, section->count + 1, sizeof(*settings));
	if (!settings)
		return -ENOMEM;
	section->settings = settings;

	struct setting *s = &settings[section->count];
	*s = (struct setting){.key = strdup(key), .value = strdup(value), .at = at};
	if (!s->key || !s->value) {
		free(s->key);
		free(s->value);
		return -ENOMEM;
	}
	section->count++;
	return 0;
}

struct delivery {
	struct tree *tree;
	const struct file *file;
	const struct scan *scan;
	size_t settings; /* delivered so far */
	size_t header;	 /* the last one above the current setting */
	bool mismatch;
	int failure;
};

static int take_setting(void *ctx, const char *section_text, const char *key, const char *value)
{
	struct delivery *d = ctx;
	const struct scan *scan = d->scan;

	if (d->settings == scan->setting_count) {
		d->mismatch = true;
		return 1;
	}
	struct place at = {.file = d->file, .line = scan->setting_lines[d->settings++]};
	while (d->header + 1 < scan->header_count && scan->headers[d->header + 1].line < at.line)
		d->header++;
	struct section *section = tree_find(d->tree, section_text);
	if (!section || strcmp(scan->headers[d->header].text, section_text) != 0) {
		d->mismatch = true;
		return 1;
	}
	if (d->failure == 0 && ++d->tree->setting_count <= LIMIT_CONFIG_SETTINGS)
		d->failure = add_setting(section, key, value, at);
	return 1;
}

int tree_parse(struct tree *tree, const struct file *file, const char *bytes, size_t len, struct report *report)
{
	struct scan scan = {0};
	struct delivery delivery = {.tree = tree, .file = file, .scan = &scan};

	int r = scan_text(file, bytes, len, report, &scan);
	if (r < 0)
		goto out;
	r = add_sections(tree, file, &scan, report);
	if (r < 0 || !scan.clean.data)
		goto out;

	struct place whole = {.file = file};
	int refused_line = ini_parse_string(scan.clean.data, take_setting, &delivery);
	r = delivery.failure;
	if (refused_line != 0 || delivery.mismatch || delivery.settings != scan.setting_count)
		report_error(report, whole, "the INI library reads this file in another way than it is written");
	if (tree->setting_count > LIMIT_CONFIG_SETTINGS)
		report_error(report, whole, "more than %u settings", LIMIT_CONFIG_SETTINGS);
out:
	scan_done(&scan);
	return r;
}

static int by_place_text(const void *a, const void *b)
{
	const struct section *const *x = a, *const *y = b;
	return by_text(*x, *y);
}

void tree_sort(struct tree *tree)
{
	if (tree->section_count > 1)
		qsort(tree->sections, tree->section_count, sizeof(struct section *), by_place_text);
}

void tree_drop(struct tree *tree)
{
	size_t kept = 0;
	for (size_t i = 0; i < tree->section_count; i++) {
		struct section *section = tree->sections[i];
		if (!section->is_dropped) {
			tree->sections[kept++] = section;
			continue;
		}
		(void)tdelete(section, &tree->by_text, by_text);
		section_free(section);
	}
	tree->section_count = kept;
}

/* The settings of a section that to has become the other's, with their places. */
static int move_settings(struct section *to, struct section *from)
{
	struct setting *settings = reallocarray(to->settings, to->count + from->count + 1, sizeof(*settings));
	if (!settings)
		return -ENOMEM;
	if (from->count > 0)
		memcpy(settings + to->count, from->settings, from->count * sizeof(*settings));
	to->settings = settings;
	to->count += from->count;
	from->count = 0;
	return 0;
}

int tree_move(struct tree *to, struct tree *from)
{
	int r = 0;
	while (r == 0 && from->section_count > 0) {
		struct section *section = from->sections[from->section_count - 1];
		struct section *same = tree_find(to, section->text);
		r = same ? move_settings(same, section) : keep_section(to, section);
		if (r < 0)
			break;
		(void)tdelete(section, &from->by_text, by_text);
		from->section_count--;
		if (same)
			section_free(section);
	}
	return r;
}

void section_remove(struct section *section, size_t n)
{
	ASSERT(n < section->count);
	setting_done(&section->settings[n]);
	section->count--;
	memmove(&section->settings[n], &section->settings[n + 1], (section->count - n) * sizeof(*section->settings));
}

const struct setting *section_find(const struct section *section, const char *key)
{
	for (size_t i = 0; i < section->count; i++)
		if (strcmp(section->settings[i].key, key) == 0)
			return &section->settings[i];
	return NULL;
}
