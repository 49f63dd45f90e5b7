/* Layers merged: what is left is what unpacking them one after the other into one folder would leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/slots/opt.h"
#include "zip_builder.h"

#define NAMES_MAX 8
#define TEXT_SIZE 4096

static struct view *view_of(struct zip_builder *z)
{
	struct buf zip = zip_builder_finish(z);
	const struct io_memory memory = {.bytes = zip.data, .len = zip.len};
	struct io_reader file = io_reader_memory(&memory);
	const struct zip_limits limits = {.max_unpacked_bytes = 1 << 20};
	struct zip_archive *archive = NULL;
	struct zip_refusal refusal = {0};
	struct view *view = NULL;
	if (zip_open_archive(&file, &limits, &archive, &refusal) < 0)
		fail_msg("%s", refusal.text.text);
	assert_int_equal(view_new(archive, &view), 0);
	buf_done(&zip);
	return view;
}

/* Each layer is a list of names, "d/" is a folder. Lowest first. */
struct layers {
	const char *names[LIMIT_LAYERS][NAMES_MAX];
	size_t count;
};

struct merged {
	struct view *views[LIMIT_LAYERS];
	struct opt *opt;
};

static struct merged merge(const struct layers *layers)
{
	struct merged m = {0};
	const struct view *views[LIMIT_LAYERS] = {NULL};
	for (size_t i = 0; i < layers->count; i++) {
		struct zip_builder z = {0};
		for (size_t k = 0; k < NAMES_MAX && layers->names[i][k]; k++) {
			const char *name = layers->names[i][k];
			if (name[strlen(name) - 1] == '/')
				zip_builder_add_dir(&z, name);
			else
				zip_builder_add(&z, name, "x");
		}
		views[i] = m.views[i] = view_of(&z);
	}
	assert_int_equal(opt_new(views, layers->count, OPT_FOLDERS_MAX, &m.opt), 0);
	return m;
}

static void done(struct merged *m)
{
	opt_free(m->opt);
	for (size_t i = 0; i < LIMIT_LAYERS; i++)
		view_free(m->views[i]);
}

/* "a:1 d/ d/b:2": every name with the number of its layer, folders with a slash, depth-first. */
static void print_folder(const struct opt *opt, uint32_t number, const char *prefix, char *text)
{
	const struct opt_folder *folder = &opt->folders[number];
	for (uint32_t i = 0; i < folder->entry_count; i++) {
		const struct opt_entry *entry = &opt->entries[folder->first_entry + i];
		const struct view_node *node = opt_node(opt, entry);
		char path[512];
		size_t len = strlen(text);
		(void)snprintf(path, sizeof(path), "%s%.*s", prefix, (int)node->name_len, node->name);
		assert_int_equal(node->is_directory, entry->folder > 0);
		assert_true(opt_find(opt, number, path + strlen(prefix)) == entry);
		if (!node->is_directory) {
			(void)snprintf(text + len, TEXT_SIZE - len, "%s:%u ", path, entry->layer + 1);
			continue;
		}
		(void)snprintf(text + len, TEXT_SIZE - len, "%s/ ", path);
		(void)strcat(path, "/");
		print_folder(opt, entry->folder, path, text);
	}
}

static void assert_merges(const struct layers *layers, const char *expected)
{
	char text[TEXT_SIZE] = "";
	struct merged m = merge(layers);
	print_folder(m.opt, 0, "", text);
	if (text[0])
		text[strlen(text) - 1] = '\0';
	assert_string_equal(text, expected);
	done(&m);
}

static void each_kind_over_each(void **state UNUSED)
{
	assert_merges(&(struct layers){.count = 0}, "");
	assert_merges(&(struct layers){{{"b", "a"}}, 1}, "a:1 b:1");
	assert_merges(&(struct layers){{{"f", "g"}, {"f", "h"}}, 2}, "f:2 g:1 h:2");
	assert_merges(&(struct layers){{{"d/a", "d/b"}, {"d/b", "d/c"}}, 2}, "d/ d/a:1 d/b:2 d/c:2");
	assert_merges(&(struct layers){{{"x/a", "x/b/c"}, {"x"}}, 2}, "x:2");
	assert_merges(&(struct layers){{{"x"}, {"x/a"}}, 2}, "x/ x/a:2");
	assert_merges(&(struct layers){{{"x"}, {"x/"}}, 2}, "x/");
	assert_merges(&(struct layers){{{"x/a"}, {"x/"}}, 2}, "x/ x/a:1"); /* an empty folder hides nothing */
	assert_merges(&(struct layers){{{"x/"}, {"x/"}}, 2}, "x/");
}

static void a_file_in_between_hides_what_is_below_it(void **state UNUSED)
{
	assert_merges(&(struct layers){{{"x/a"}, {"x"}, {"x/b"}}, 3}, "x/ x/b:3");
	assert_merges(&(struct layers){{{"x"}, {"x/a"}, {"x"}}, 3}, "x:3");
	assert_merges(&(struct layers){{{"d/x/a", "d/y"}, {"d/x"}, {"d/x/b"}, {"d/x/c"}}, 4},
		      "d/ d/x/ d/x/b:3 d/x/c:4 d/y:1");
}

static void five_layers_deep(void **state UNUSED)
{
	assert_merges(&(struct layers){{{"p/q/r/s/1", "p/q/z"},
					{"p/q/r/s/2"},
					{"p/q/r/s/1", "other"},
					{"p/q/r/s/3", "p/q/r/t/"},
					{"p/q/r/s/2", "p/a"}},
				       5},
		      "other:3 p/ p/a:5 p/q/ p/q/r/ p/q/r/s/ p/q/r/s/1:3 p/q/r/s/2:5 p/q/r/s/3:4 p/q/r/t/ p/q/z:1");
}

/* '-' and '.' sort below '/': names that continue a folder's name. */
static void names_that_sort_around_a_folder(void **state UNUSED)
{
	assert_merges(&(struct layers){{{"a/1", "a.c"}, {"a-b/2", "a/2", "ab"}}, 2},
		      "a/ a/1:1 a/2:2 a-b/ a-b/2:2 a.c:1 ab:2");
	assert_merges(
		&(struct layers){
			{{"na\xc3\xafve/\xe6\x96\x87", "z"}, {"na\xc3\xafve/\xe6\x96\x87", "\xf0\x9f\x90\x8d"}}, 2},
		"na\xc3\xafve/ na\xc3\xafve/\xe6\x96\x87:2 z:1 \xf0\x9f\x90\x8d:2");
}

static void tells_what_is_hidden(void **state UNUSED)
{
	struct merged m = merge(&(struct layers){{{"x/a", "x/b/c", "same", "d/f"}, {"x", "same", "d/f/g"}}, 2});
	struct buf path = {0};
	assert_int_equal(m.opt->replaced_count, 1);
	assert_int_equal(m.opt->hidden_count, 2);
	assert_int_equal(m.opt->hidden_file_count, 3);
	assert_int_equal(m.opt->hidden[0].layer, 0);
	assert_int_equal(m.opt->hidden[0].by, 1);
	assert_int_equal(m.opt->hidden[0].file_count, 2);
	assert_int_equal(view_print_path(m.views[0], m.opt->hidden[1].node, &path), 0);
	assert_string_equal(path.data, "d/f");
	buf_done(&path);
	done(&m);
}

static void only_the_first_are_kept(void **state UNUSED)
{
	struct zip_builder low = {0}, high = {0};
	for (unsigned i = 0; i < OPT_HIDDEN_SHOWN + 5; i++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "n%02u", i);
		zip_builder_add(&low, name, "x");
		(void)strcat(name, "/f");
		zip_builder_add(&high, name, "x");
	}
	struct view *views[] = {view_of(&low), view_of(&high)};
	struct opt *opt = NULL;
	assert_int_equal(opt_new((const struct view *const *)views, 2, OPT_FOLDERS_MAX, &opt), 0);
	assert_int_equal(opt->hidden_count, OPT_HIDDEN_SHOWN + 5);
	assert_int_equal(opt->hidden[OPT_HIDDEN_SHOWN - 1].node, OPT_HIDDEN_SHOWN);
	opt_free(opt);
	view_free(views[0]);
	view_free(views[1]);
}

/* Kind, mode and time are those of the layer that shows; an implied folder takes a time from below. */
static void entries_keep_what_they_are(void **state UNUSED)
{
	struct zip_builder low = {0}, high = {0};
	zip_builder_add_dir(&low, "bin/");
	zip_builder_add_file(&low, "bin/tool", "old", 3, ZIP_BUILDER_STORED, 0644);
	zip_builder_add_file(&high, "bin/tool", "new!", 4, ZIP_BUILDER_DEFLATED, 0755);
	struct view *views[] = {view_of(&low), view_of(&high)};
	struct opt *opt = NULL;
	assert_int_equal(opt_new((const struct view *const *)views, 2, OPT_FOLDERS_MAX, &opt), 0);

	const struct opt_entry *bin = opt_find(opt, 0, "bin");
	assert_non_null(bin);
	assert_ptr_equal(opt->folders[bin->folder].entry, views[0]->archive->entries);
	const struct opt_entry *tool = opt_find(opt, bin->folder, "tool");
	assert_non_null(tool);
	assert_true(opt_node(opt, tool)->entry->executable);
	assert_int_equal(opt_node(opt, tool)->entry->size_bytes, 4);
	assert_null(opt_find(opt, 0, "tool"));
	assert_null(opt_find(opt, 0, "bi"));
	assert_null(opt_find(opt, 0, "bin/tool"));
	assert_null(opt->folders[0].entry);
	opt_free(opt);
	view_free(views[0]);
	view_free(views[1]);
}

static void numbers_do_not_depend_on_the_archives_order(void **state UNUSED)
{
	struct merged a = merge(&(struct layers){{{"p/x/1", "q/2", "p/y/3"}, {"a/b/c", "p/y/4"}}, 2});
	struct merged b = merge(&(struct layers){{{"p/y/3", "p/x/1", "q/2"}, {"p/y/4", "a/b/c"}}, 2});
	assert_int_equal(a.opt->folder_count, 7);
	assert_int_equal(a.opt->folder_count, b.opt->folder_count);
	assert_int_equal(a.opt->entry_count, b.opt->entry_count);
	assert_memory_equal(a.opt->entries, b.opt->entries, a.opt->entry_count * sizeof(*a.opt->entries));
	done(&a);
	done(&b);
}

/* ---- against a model: unpacking into a list of paths ---- */

struct model {
	struct {
		char path[16];
		unsigned layer; /* 0: a folder */
	} items[256];
	size_t count;
};

static void remove_at(struct model *m, size_t i)
{
	m->items[i] = m->items[--m->count];
}

static void remove_tree(struct model *m, const char *path)
{
	size_t len = strlen(path);
	for (size_t i = m->count; i-- > 0;)
		if (strncmp(m->items[i].path, path, len) == 0 &&
		    (m->items[i].path[len] == '\0' || m->items[i].path[len] == '/'))
			remove_at(m, i);
}

static size_t find_item(const struct model *m, const char *path)
{
	size_t i = 0;
	while (i < m->count && strcmp(m->items[i].path, path) != 0)
		i++;
	return i;
}

static void put_item(struct model *m, const char *path, unsigned layer)
{
	size_t found = find_item(m, path);
	bool is_folder = layer == 0;
	if (found < m->count && is_folder && m->items[found].layer == 0)
		return;
	remove_tree(m, path);
	(void)snprintf(m->items[m->count].path, sizeof(m->items[0].path), "%s", path);
	m->items[m->count++].layer = layer;
}

static void unpack(struct model *m, const char *path, unsigned layer)
{
	char part[16];
	for (size_t i = 0; path[i]; i++) {
		if (path[i] != '/')
			continue;
		(void)snprintf(part, sizeof(part), "%.*s", (int)i, path);
		put_item(m, part, 0);
	}
	if (path[strlen(path) - 1] != '/')
		put_item(m, path, layer);
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 16;
}

/* Not there yet, and below no file: an archive has no name that is a file and a folder. */
static bool fits(const struct model *own, const char *path)
{
	char part[16];
	for (size_t i = 0; path[i]; i++) {
		(void)snprintf(part, sizeof(part), "%.*s", (int)i, path);
		size_t at = path[i] == '/' ? find_item(own, part) : own->count;
		if (at < own->count && own->items[at].layer != 0)
			return false;
	}
	return find_item(own, path) == own->count;
}

static void random_name(uint32_t *state, char ret[16])
{
	size_t depth = 1 + next_random(state) % 3;
	for (size_t i = 0; i < depth; i++) {
		ret[2 * i] = (char)('a' + next_random(state) % 3);
		ret[2 * i + 1] = i + 1 < depth ? '/' : '\0';
	}
}

/* Fills a layer, and unpacks it over those before. */
static void make_layer(uint32_t *state, unsigned layer, char names[NAMES_MAX][16], struct model *whole)
{
	struct model own = {0};
	size_t count = 0;
	for (size_t i = 0; i < NAMES_MAX - 1; i++) {
		random_name(state, names[count]);
		if (!fits(&own, names[count]))
			continue;
		unpack(&own, names[count], 1);
		unpack(whole, names[count++], layer + 1);
	}
	names[count][0] = '\0';
}

static void count_entries(const struct opt *opt, uint32_t number, const char *prefix, const struct model *m,
			  size_t *count)
{
	const struct opt_folder *folder = &opt->folders[number];
	for (uint32_t i = 0; i < folder->entry_count; i++) {
		const struct opt_entry *entry = &opt->entries[folder->first_entry + i];
		const struct view_node *node = opt_node(opt, entry);
		char path[32];
		(void)snprintf(path, sizeof(path), "%s%.*s", prefix, (int)node->name_len, node->name);
		size_t at = find_item(m, path);
		if (at == m->count)
			fail_msg("%s is too much", path);
		assert_int_equal(m->items[at].layer, entry->folder > 0 ? 0 : entry->layer + 1);
		(*count)++;
		if (entry->folder > 0) {
			(void)strcat(path, "/");
			count_entries(opt, entry->folder, path, m, count);
		}
	}
}

static void merges_as_unpacking_does(void **state UNUSED)
{
	uint32_t seed = 20260401;
	uint64_t hidden = 0;
	for (unsigned turn = 0; turn < 300; turn++) {
		char names[LIMIT_LAYERS][NAMES_MAX][16];
		struct layers layers = {.count = LIMIT_LAYERS};
		struct model whole = {0};
		for (unsigned layer = 0; layer < LIMIT_LAYERS; layer++) {
			make_layer(&seed, layer, names[layer], &whole);
			for (size_t i = 0; names[layer][i][0]; i++)
				layers.names[layer][i] = names[layer][i];
		}
		struct merged m = merge(&layers);
		size_t count = 0;
		count_entries(m.opt, 0, "", &whole, &count);
		assert_int_equal(count, whole.count);
		hidden += m.opt->hidden_count;
		done(&m);
	}
	assert_true(hidden > 300); /* there was something to it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_over_each),
		cmocka_unit_test(a_file_in_between_hides_what_is_below_it),
		cmocka_unit_test(five_layers_deep),
		cmocka_unit_test(names_that_sort_around_a_folder),
		cmocka_unit_test(tells_what_is_hidden),
		cmocka_unit_test(only_the_first_are_kept),
		cmocka_unit_test(entries_keep_what_they_are),
		cmocka_unit_test(numbers_do_not_depend_on_the_archives_order),
		cmocka_unit_test(merges_as_unpacking_does),
	};
	return cmocka_run_group_tests_name("opt", tests, NULL, NULL);
}
