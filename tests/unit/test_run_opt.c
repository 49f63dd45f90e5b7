/* The run side's opt/: releases with layers, put together by hand. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/slots/internal.h"
#include "../../src/slots/run_node.h"
#include "base/text.h"
#include "slots_fixture.h"
#include "zip_builder.h"

#define OPT ".releases/main/1/opt"

static struct store_release *copy_record(struct slots *slots, const struct store_release *of)
{
	struct store_release *copy = calloc(1, sizeof(*copy));
	assert_non_null(copy);
	*copy = (struct store_release){
		.number = 3,
		.artifact_name = strdup(of->artifact_name),
		.length_bytes = of->length_bytes,
		.comment = malloc(of->comment_len + 1),
		.comment_len = of->comment_len,
		.created_at_s = of->created_at_s,
		.decision = strdup(of->decision),
	};
	assert_true(copy->artifact_name && copy->comment && copy->decision);
	memcpy(copy->digest, of->digest, sizeof(copy->digest));
	memcpy(copy->comment, of->comment, of->comment_len);
	assert_int_equal(store_next_id(slots->store, &copy->id), 0);
	return copy;
}

static struct release *current_of(struct slots_fixture *f, const char *function)
{
	struct slot *slot;
	assert_int_equal(slot_find(f->slots, function, &slot), 0);
	struct release *release = slot_current(slot);
	assert_non_null(release);
	release_put(release); /* the slot has one */
	return release;
}

/* Version 3 of a layer. Its object came in by a function of the same name. */
static struct release *publish(struct slots_fixture *f, const char *name, struct zip_builder *z)
{
	char function[64], path[96];
	struct buf zip = zip_builder_finish(z), signed_zip = {0};
	struct slot *slot;
	struct release *layer;
	uint64_t slot_id;
	trust_fixture_sign_zip(&f->host->alice, zip.data, zip.len, &signed_zip);
	(void)snprintf(function, sizeof(function), "team-%s", name);
	(void)snprintf(path, sizeof(path), "functions/%s", function);
	assert_int_equal(slots_fixture_mkdir(f, "functions", function), 0);
	assert_int_equal(slots_fixture_put(f, path, "a.zip", &signed_zip), 0);
	buf_done(&zip);
	buf_done(&signed_zip);

	struct store_release *record = copy_record(f->slots, current_of(f, function)->record);
	(void)snprintf(path, sizeof(path), STORE_LAYER_PREFIX "%s", name);
	assert_int_equal(store_next_id(f->slots->store, &slot_id), 0);
	lock_take(&f->slots->lock);
	assert_int_equal(slot_add(f->slots, path, &slot), 0);
	slot_set_facts_locked(slot, &(struct slot_facts){.id = slot_id});
	lock_drop(&f->slots->lock);
	atomic_store(&slot->loaded, true);
	assert_int_equal(release_new(slot, slot_id, record, &layer), 0);
	return layer;
}

static void attach(struct slots_fixture *f, const char *function, struct release *layer)
{
	struct release *release = current_of(f, function);
	release->layers[release->layer_count++] = release_ref(layer);
}

/* main with base and, above it, tools. */
struct pair {
	struct release *base, *tools;
};

static struct pair make_main(struct slots_fixture *f)
{
	struct zip_builder base = {0}, tools = {0};
	zip_builder_add_file(&base, "bin/tool", "old tool", 8, ZIP_BUILDER_STORED, 0755);
	zip_builder_add(&base, "python/lib.py", "old lib");
	zip_builder_add(&base, "conflict/a", "a");
	zip_builder_add(&base, "conflict/b", "b");
	zip_builder_add_file(&tools, "bin/tool", "new tool", 8, ZIP_BUILDER_DEFLATED, 0755);
	zip_builder_add(&tools, "python/other.py", "other");
	zip_builder_add(&tools, "conflict", "a file");
	struct pair pair = {.base = publish(f, "base", &base), .tools = publish(f, "tools", &tools)};
	slots_fixture_deploy(f, "main", "main code");
	attach(f, "main", pair.base);
	attach(f, "main", pair.tools);
	return pair;
}

static struct slots_attr attr_of(struct slots_fixture *f, const char *path)
{
	struct slots_attr attr = {0}, again;
	assert_int_equal(slots_fixture_run_path(f, path, &attr), 0);
	assert_int_equal(run_getattr(f->slots, attr.node, &again), 0);
	assert_memory_equal(&attr, &again, sizeof(attr));
	run_forget(f->slots, attr.node, 1);
	return attr;
}

static void assert_reads(struct slots_fixture *f, const char *path, const char *expected)
{
	int error;
	const char *found = slots_fixture_marker(f, path, &error);
	assert_int_equal(error, 0);
	assert_string_equal(found, expected);
}

static bool add_name(void *ctx, const struct slots_dirent *entry)
{
	struct buf *text = ctx;
	assert_int_equal(buf_printf(text, "%s%s ", entry->name, S_ISDIR(entry->attr.mode) ? "/" : ""), 0);
	return true;
}

static bool add_one_name(void *ctx, const struct slots_dirent *entry)
{
	struct buf *text = ctx;
	if (text->len > 0)
		return false;
	return add_name(text, entry);
}

static void assert_lists(struct slots_fixture *f, const char *path, const char *expected)
{
	struct buf whole = {0}, pieces = {0};
	uint64_t node = attr_of(f, path).node;
	assert_int_equal(run_readdir(f->slots, node, 0, add_name, &whole), 0);
	assert_string_equal(whole.data, expected);
	for (uint64_t offset = 0;; offset++) { /* one entry a call */
		struct buf piece = {0};
		assert_int_equal(run_readdir(f->slots, node, offset, add_one_name, &piece), 0);
		bool is_end = piece.len == 0;
		assert_int_equal(buf_append(&pieces, piece.data ? piece.data : "", piece.len), 0);
		buf_done(&piece);
		if (is_end)
			break;
	}
	assert_string_equal(pieces.data, expected);
	buf_done(&whole);
	buf_done(&pieces);
}

static void shows_layers_merged(void **state)
{
	struct slots_fixture *f = *state;
	struct pair pair = make_main(f);
	assert_lists(f, OPT, "./ ../ bin/ conflict python/ ");
	assert_lists(f, OPT "/python", "./ ../ lib.py other.py ");
	assert_reads(f, OPT "/bin/tool", "new tool");
	assert_reads(f, OPT "/python/lib.py", "old lib");
	assert_reads(f, OPT "/conflict", "a file");
	assert_reads(f, ".releases/main/1/task/marker", "main code");

	struct slots_attr tool = attr_of(f, OPT "/bin/tool"), bin = attr_of(f, OPT "/bin");
	assert_int_equal(tool.mode, S_IFREG | 0555);
	assert_int_equal(attr_of(f, OPT "/python/lib.py").mode, S_IFREG | 0444);
	assert_int_equal(tool.size_bytes, 8);
	assert_int_equal(bin.mode, S_IFDIR | 0555);
	assert_true(bin.mtime.tv_sec > 0 && tool.mtime.tv_sec > 0);
	assert_int_equal(run_node_id(tool.node), pair.tools->record->id);
	assert_int_equal(run_node_id(bin.node), current_of(f, "main")->record->id);
	assert_int_equal(run_node_index(bin.node), RUN_INDEX_OPT_FOLDER + 1);
}

static void says_what_is_wrong(void **state)
{
	struct slots_fixture *f = *state;
	struct pair pair = make_main(f);
	struct slots_attr attr, bin = attr_of(f, OPT "/bin"), tool = attr_of(f, OPT "/bin/tool");
	struct run_data data;
	struct buf text = {0};
	assert_int_equal(slots_fixture_run_has(f, OPT "/missing"), -ENOENT);
	assert_int_equal(slots_fixture_run_has(f, OPT "/bin/missing"), -ENOENT);
	assert_int_equal(slots_fixture_run_has(f, OPT "/conflict/a"), -ENOTDIR);
	assert_int_equal(run_read(f->slots, bin.node, 8, 0, &data), -EISDIR);
	assert_int_equal(run_read(f->slots, attr_of(f, OPT).node, 8, 0, &data), -EISDIR);
	assert_int_equal(run_readdir(f->slots, tool.node, 0, add_name, &text), -ENOTDIR);
	assert_int_equal(run_readlink(f->slots, bin.node, &text), -EINVAL);

	/* What nothing leads to is not there: a layer's folders, folders that do not exist. */
	uint64_t id = current_of(f, "main")->record->id, layer = pair.base->record->id;
	assert_int_equal(run_getattr(f->slots, run_node(id, RUN_INDEX_OPT_FOLDER), &attr), -ENOENT);
	assert_int_equal(run_getattr(f->slots, run_node(id, RUN_INDEX_OPT_FOLDER + 99), &attr), -ENOENT);
	assert_int_equal(run_getattr(f->slots, run_node(layer, RUN_INDEX_DIR), &attr), -ENOENT);
	assert_int_equal(run_getattr(f->slots, run_node(layer, RUN_INDEX_CODE), &attr), -ENOENT);
	assert_int_equal(run_getattr(f->slots, run_node(layer, RUN_INDEX_TASK), &attr), -ENOENT);
	assert_int_equal(run_getattr(f->slots, run_node(layer, RUN_INDEX_TASK + 99), &attr), -ENOENT);
	assert_int_equal(run_getattr(f->slots, run_node(layer, RUN_INDEX_OPT), &attr), -ENOENT);
	buf_done(&text);
}

static void a_release_without_layers_has_an_empty_one(void **state)
{
	struct slots_fixture *f = *state;
	slots_fixture_deploy(f, "main", "one");
	assert_lists(f, OPT, "./ ../ ");
	assert_int_equal(slots_fixture_run_has(f, OPT "/bin"), -ENOENT);
}

static void a_layers_file_is_one_inode_in_two_functions(void **state)
{
	struct slots_fixture *f = *state;
	struct pair pair = make_main(f);
	slots_fixture_deploy(f, "relaxed", "relaxed code");
	attach(f, "relaxed", pair.base);
	assert_int_equal(attr_of(f, OPT "/python/lib.py").node,
			 attr_of(f, ".releases/relaxed/1/opt/python/lib.py").node);
	assert_int_not_equal(attr_of(f, OPT "/python").node, attr_of(f, ".releases/relaxed/1/opt/python").node);
	assert_reads(f, ".releases/relaxed/1/opt/bin/tool", "old tool");
	assert_reads(f, ".releases/relaxed/1/opt/conflict/b", "b");
}

static void a_layer_stays_while_the_kernel_knows_a_file(void **state)
{
	struct slots_fixture *f = *state;
	struct pair pair = make_main(f);
	struct slots_attr held, attr;
	struct run_data data;
	assert_int_equal(slots_fixture_run_path(f, OPT "/python/lib.py", &held), 0);
	release_put(pair.base);
	release_put(pair.tools);
	slots_fixture_deploy(f, "main", "two");
	slots_fixture_deploy(f, "main", "three");
	slots_fixture_pass_grace(f);
	assert_int_equal(slots_fixture_run_has(f, ".releases/main/1"), -ENOENT);

	assert_int_equal(run_read(f->slots, held.node, 64, 0, &data), 0);
	assert_int_equal(data.len, 7);
	run_data_done(&data);
	run_forget(f->slots, held.node, 1);
	assert_int_equal(run_getattr(f->slots, held.node, &attr), -ENOENT);
}

/* ---- attributes ---- */

static void assert_attribute(struct slots_fixture *f, const char *path, const char *name, const char *expected)
{
	struct buf value = {0};
	int r = run_getxattr(f->slots, attr_of(f, path).node, name, &value);
	assert_int_equal(r, expected ? 0 : -ENODATA);
	if (expected)
		assert_string_equal(value.data, expected);
	buf_done(&value);
}

static void tells_where_files_are_from(void **state)
{
	struct slots_fixture *f = *state;
	struct buf names = {0};
	(void)make_main(f);
	assert_attribute(f, OPT "/bin/tool", "user.vouchfs.layer", "tools:3");
	assert_attribute(f, OPT "/python/lib.py", "user.vouchfs.layer", "base:3");
	assert_attribute(f, OPT "/python/lib.py", "user.vouchfs.layers", NULL);
	assert_attribute(f, OPT "/python/lib.py", "user.other", NULL);
	assert_attribute(f, OPT "/python", "user.vouchfs.layer", NULL);
	assert_attribute(f, OPT, "user.vouchfs.layers", "base:3\ntools:3");
	assert_attribute(f, OPT, "user.vouchfs.replaced_files", "1");
	assert_attribute(f, OPT, "user.vouchfs.hidden", "conflict: a folder of base:3 (2 files), hidden by tools:3");
	assert_attribute(f, ".releases/main/1", "user.vouchfs.outcome", "accepted");

	static const char expected[] = "user.vouchfs.layers\0user.vouchfs.layer_versions\0"
				       "user.vouchfs.replaced_files\0user.vouchfs.hidden";
	assert_int_equal(run_listxattr(f->slots, attr_of(f, OPT).node, &names), 0);
	assert_int_equal(names.len, sizeof(expected));
	assert_memory_equal(names.data, expected, names.len);
	buf_reset(&names);
	assert_int_equal(run_listxattr(f->slots, attr_of(f, OPT "/bin/tool").node, &names), 0);
	assert_string_equal(names.data, "user.vouchfs.layer");
	buf_reset(&names);
	assert_int_equal(run_listxattr(f->slots, attr_of(f, OPT "/bin").node, &names), 0);
	assert_int_equal(names.len, 0);
	buf_done(&names);
}

/* ---- damage ---- */

static void object_path(const struct release *layer, const char *file, char ret[160])
{
	char hex[CRYPTO_SHA256_HEX_SIZE];
	text_hex(layer->record->digest, sizeof(layer->record->digest), hex);
	(void)snprintf(ret, 160, "store/objects/%.2s/%s/%s", hex, hex, file);
}

static void damage(struct slots_fixture *f, const struct release *layer, const char *file)
{
	char path[160], byte;
	object_path(layer, file, path);
	assert_int_equal(fchmodat(f->host->dirfd, path, 0600, 0), 0);
	int fd = openat(f->host->dirfd, path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, 40), 1);
	byte = (char)~byte;
	assert_int_equal(pwrite(fd, &byte, 1, 40), 1);
	assert_int_equal(close(fd), 0);
}

static void damaged_bytes_are_not_read(void **state)
{
	struct slots_fixture *f = *state;
	struct pair pair = make_main(f);
	int error;
	assert_reads(f, OPT "/python/other.py", "other"); /* merged; and only the payload goes */
	damage(f, pair.base, "payload");
	(void)slots_fixture_marker(f, OPT "/python/lib.py", &error);
	assert_int_equal(error, -EIO);
	assert_int_equal(slots_fixture_count_records(f, "\"slot\":\"layers/base\""), 1);
	assert_int_equal(slots_fixture_count_records(f, "publish it again"), 1);
	assert_reads(f, OPT "/bin/tool", "new tool");
	assert_reads(f, ".releases/main/1/task/marker", "main code");
}

/* A name cannot be said to be absent when one of the layers cannot be looked into. */
static void a_layer_that_cannot_be_opened(void **state)
{
	struct slots_fixture *f = *state;
	struct pair pair = make_main(f);
	slots_fixture_deploy(f, "relaxed", "relaxed code");
	attach(f, "relaxed", pair.tools);
	store_object_unref(pair.base->object);
	pair.base->object = NULL;
	/* the function that brought it in has it open */
	assert_int_equal(slots_fixture_unlink(f, "functions/team-base", "a.zip"), 0);
	assert_int_equal(slots_fixture_rmdir(f, "functions", "team-base"), 0);
	assert_int_equal(slots_fixture_run_has(f, OPT), 0);
	assert_int_equal(slots_fixture_run_has(f, OPT "/python"), -EIO);
	assert_int_equal(slots_fixture_run_has(f, OPT "/missing"), -EIO);
	struct buf text = {0};
	assert_int_equal(run_readdir(f->slots, attr_of(f, OPT).node, 0, add_name, &text), -EIO);
	buf_done(&text);
	assert_int_equal(slots_fixture_count_records(f, "\"slot\":\"layers/base\""), 1);
	assert_reads(f, ".releases/main/1/task/marker", "main code");
	assert_reads(f, ".releases/relaxed/1/opt/bin/tool", "new tool");
}

/* From the store, whatever is cached of the files in it. */
static ssize_t read_version(struct release *version)
{
	char bytes[4096];
	return release_read(version, bytes, sizeof(bytes), 0);
}

/* As the record says: publish it again. */
static void what_is_published_again_is_whole(void **state)
{
	struct slots_fixture *f = *state;
	char rest[2048];
	int error;
	struct slot *slot;
	(void)snprintf(rest, sizeof(rest), "%s[layer pkg]\n", slots_fixture_rest);
	slots_fixture_configure(f, "", rest);
	slots_fixture_restart(f);
	struct buf zip = slots_fixture_zip(f, "one");
	assert_int_equal(slots_fixture_put(f, "layers/pkg", "a.zip", &zip), 0);
	assert_int_equal(slots_fixture_put(f, "layers/pkg", "a.zip", &zip), 0);
	assert_int_equal(slots_fixture_deploy_has(f, "layers/pkg/2.zip"), -ENOENT);

	assert_int_equal(slot_find_layer(f->slots, "pkg", &slot), 0);
	slots_fixture_deploy(f, "main", "main code");
	attach(f, "main", slot->listed[0]);
	ssize_t size = read_version(slot->listed[0]);
	assert_true(size > 0);
	damage(f, slot->listed[0], "payload");
	(void)slots_fixture_marker(f, OPT "/marker", &error);
	assert_int_equal(error, -EIO);

	assert_int_equal(slots_fixture_put(f, "layers/pkg", "a.zip", &zip), 0);
	assert_int_equal(slots_fixture_deploy_has(f, "layers/pkg/2.zip"), 0);
	assert_reads(f, OPT "/marker", "one"); /* who has the first version has whole bytes again, too */
	slots_fixture_deploy(f, "relaxed", "relaxed code");
	attach(f, "relaxed", slot->listed[1]);
	assert_reads(f, ".releases/relaxed/1/opt/marker", "one");

	/* all versions of the same bytes are damaged with one of them, and whole with one of them */
	damage(f, slot->listed[1], "payload");
	assert_int_equal(read_version(slot->listed[0]), -EIO);
	assert_int_equal(slots_fixture_put(f, "layers/pkg", "a.zip", &zip), 0);
	assert_int_equal(slots_fixture_deploy_has(f, "layers/pkg/3.zip"), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(read_version(slot->listed[i]), size);
	assert_int_equal(slots_fixture_put(f, "layers/pkg", "a.zip", &zip), 0); /* it is whole: nothing new */
	assert_int_equal(slots_fixture_deploy_has(f, "layers/pkg/4.zip"), -ENOENT);
	buf_done(&zip);
}

/* ---- blocks ---- */

/* main's and the teams' publisher; those of "another" stay as they are. */
static void write_rules(struct slots_fixture *f, const char *mains, const char *teams)
{
	char rest[1024];
	(void)snprintf(rest, sizeof(rest),
		       "[code-signing-config mains]\nallowed_publisher = %s\nuntrusted_artifact_on_load = Enforce\n"
		       "[code-signing-config teams]\nallowed_publisher = %s\nuntrusted_artifact_on_load = Enforce\n"
		       "[function main]\ncode_signing_config = mains\n"
		       "[function relaxed]\ncode_signing_config = teams\n"
		       "[function team-*]\ncode_signing_config = teams\n",
		       mains, teams);
	slots_fixture_configure(f, "", rest);
	struct buf errors = {0};
	buf_reset(&f->pushed);
	if (slots_reload(f->slots, &errors) != 0)
		fail_msg("%s", errors.data);
	buf_done(&errors);
}

static bool was_pushed(struct slots_fixture *f, uint64_t first)
{
	char line[64];
	(void)snprintf(line, sizeof(line), "inodes %llu ", (unsigned long long)first);
	return f->pushed.data && strstr(f->pushed.data, line);
}

static const char other[] = "arn:vouchfs:signer:local:" GATE_FIXTURE_ACCOUNT ":/signing-profiles/other";

static void a_block_takes_the_folders_and_files_nobody_else_has(void **state)
{
	struct slots_fixture *f = *state;
	struct pair pair = make_main(f);
	struct slots_attr bin, lib, tool, attr;
	struct run_data data;
	slots_fixture_deploy(f, "relaxed", "relaxed code");
	attach(f, "relaxed", pair.base);
	assert_int_equal(slots_fixture_run_path(f, OPT "/bin", &bin), 0);
	assert_int_equal(slots_fixture_run_path(f, OPT "/python/lib.py", &lib), 0);
	assert_int_equal(run_lookup(f->slots, bin.node, "tool", &tool), 0);

	write_rules(f, other, GATE_FIXTURE_ARN);
	assert_true(was_pushed(f, run_node(current_of(f, "main")->record->id, RUN_INDEX_OPT_FOLDER + 1)));
	assert_int_equal(run_getattr(f->slots, bin.node, &attr), -EACCES);
	assert_int_equal(run_lookup(f->slots, bin.node, "tool", &attr), -EACCES);
	assert_true(was_pushed(f, run_node(pair.tools->record->id, 0))); /* only main had it */
	assert_int_equal(run_getattr(f->slots, tool.node, &attr), -EACCES);
	assert_int_equal(run_read(f->slots, tool.node, 8, 0, &data), -EACCES);
	assert_false(was_pushed(f, run_node(pair.base->record->id, 0)));
	assert_int_equal(run_getattr(f->slots, lib.node, &attr), 0);
	assert_reads(f, ".releases/relaxed/1/opt/python/lib.py", "old lib");

	write_rules(f, other, other);
	assert_true(was_pushed(f, run_node(pair.base->record->id, 0)));
	assert_int_equal(run_getattr(f->slots, lib.node, &attr), -EACCES);

	write_rules(f, GATE_FIXTURE_ARN, other);
	assert_reads(f, OPT "/bin/tool", "new tool");
	assert_reads(f, OPT "/python/lib.py", "old lib");
	assert_int_equal(run_getattr(f->slots, lib.node, &attr), 0);
	assert_int_equal(slots_fixture_run_has(f, ".releases/relaxed/1/opt/python"), -EACCES);
	run_forget(f->slots, bin.node, 1);
	run_forget(f->slots, lib.node, 1);
	run_forget(f->slots, tool.node, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, slots_fixture_setup, slots_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(shows_layers_merged),
		TEST(says_what_is_wrong),
		TEST(a_release_without_layers_has_an_empty_one),
		TEST(a_layers_file_is_one_inode_in_two_functions),
		TEST(a_layer_stays_while_the_kernel_knows_a_file),
		TEST(tells_where_files_are_from),
		TEST(damaged_bytes_are_not_read),
		TEST(a_layer_that_cannot_be_opened),
		TEST(what_is_published_again_is_whole),
		TEST(a_block_takes_the_folders_and_files_nobody_else_has),
	};
	return cmocka_run_group_tests_name("run_opt", tests, NULL, NULL);
}
