/* The rules on structure, each with what passes and what is refused. The archive at hand is changed in one thing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "zip_probe.h"

#define CONTENT "print('hello')\n"

/* A field that is overwritten after layout: of the first entry or of the end record. */
struct change {
	enum { NOTHING, IN_ENTRY, IN_END } where;
	size_t offset, size;
	uint32_t value;
};
#define FIELD(place, type, field, number)                                                                              \
	{                                                                                                              \
		place, offsetof(type, field), sizeof(((type *)0)->field), number                                       \
	}
#define ENTRY(field, number)  FIELD(IN_ENTRY, struct zip_builder_entry, field, number)
#define LOCAL(field, number)  ENTRY(local.field, number)
#define RECORD(field, number) ENTRY(record.field, number)
#define BOTH(field, number)   LOCAL(field, number), RECORD(field, number)
#define END(field, number)    FIELD(IN_END, struct zip_builder_end, field, number)

struct zip_case {
	unsigned rule; /* 0: passes */
	const char *title;
	struct change changes[4];
	void (*before)(struct zip_builder *z); /* changes before layout */
};

static void apply(struct zip_builder *z, const struct change *change)
{
	char *base = change->where == IN_END ? (char *)&z->end : (char *)z->entries[0];
	memcpy(base + change->offset, &change->value, change->size); /* little-endian machine */
}

/* A file, a compressed file and a folder. */
static void add_good_entries(struct zip_builder *z)
{
	zip_builder_add(z, "app.py", CONTENT);
	zip_builder_add_file(z, "lib/data.txt", CONTENT CONTENT CONTENT, 3 * strlen(CONTENT), ZIP_BUILDER_DEFLATED,
			     0644);
	zip_builder_add_dir(z, "lib/");
}

static struct buf make(const struct zip_case *c)
{
	struct zip_builder z = {0};
	add_good_entries(&z);
	if (c->before)
		c->before(&z);
	zip_builder_layout(&z);
	for (size_t i = 0; i < ARRAY_SIZE(c->changes) && c->changes[i].where != NOTHING; i++)
		apply(&z, &c->changes[i]);
	return zip_builder_write(&z);
}

static void puts_to(struct buf *b, const char *text)
{
	assert_int_equal(buf_puts(b, text), 0);
}

/* R1 */
static void prepend_script(struct zip_builder *z)
{
	puts_to(&z->entries[0]->before, "#!/usr/bin/env python3\n");
}
static void remove_entries(struct zip_builder *z)
{
	zip_builder_done(z);
}

/* R2 */
static void add_comment(struct zip_builder *z)
{
	puts_to(&z->comment, "built from 4f2a");
}
static void append_bytes(struct zip_builder *z)
{
	puts_to(&z->after_end, "x");
}
static void comment_with_record(struct zip_builder *z)
{
	puts_to(&z->comment, "PK\1\2");
}
static void comment_with_local(struct zip_builder *z)
{
	puts_to(&z->comment, "..PK\3\4..");
}
static void comment_with_end(struct zip_builder *z)
{
	puts_to(&z->comment, "PK\5\6                  ");
}

/* R4 */
static void add_zip64_extra(struct zip_builder *z)
{
	zip_builder_add_extra(&z->entries[0]->extra, 0x0001, "12345678", 8);
}
static void add_zip64_local_extra(struct zip_builder *z)
{
	zip_builder_add_extra(&z->entries[0]->local_extra, 0x0001, "12345678", 8);
}
static void add_locator(struct zip_builder *z)
{
	puts_to(&z->before_end, "PK\6\7                ");
}

/* R5 */
static void leave_gap(struct zip_builder *z)
{
	puts_to(&z->entries[1]->before, "gap");
}
static void leave_gap_before_directory(struct zip_builder *z)
{
	puts_to(&z->before_directory, "gap");
}
static void leave_gap_before_end(struct zip_builder *z)
{
	puts_to(&z->before_end, "gap");
}
static void rename_local(struct zip_builder *z)
{
	z->entries[0]->local_name.data[0] = 'b';
}
static void lengthen_local_name(struct zip_builder *z)
{
	puts_to(&z->entries[0]->local_name, "c");
}
static void change_local_signature(struct zip_builder *z)
{
	z->entries[1]->local.signature++;
}
static void rename_local_folder(struct zip_builder *z)
{
	z->entries[2]->local_name.data[3] = 'x';
}

/* R6 */
static void use_descriptor(struct zip_builder *z)
{
	zip_builder_use_descriptor(z->entries[0]);
	zip_builder_use_descriptor(z->entries[1]);
}
static void use_descriptor_and_state_all(struct zip_builder *z)
{
	struct zip_builder_entry *entry = z->entries[0];
	zip_builder_use_descriptor(entry);
	entry->local.crc32 = entry->record.crc32;
	entry->local.compressed = entry->record.compressed;
	entry->local.size = entry->record.size;
}
static void use_descriptor_and_state_size(struct zip_builder *z)
{
	zip_builder_use_descriptor(z->entries[0]);
	z->entries[0]->local.size = z->entries[0]->record.size;
}
static void unsign_descriptor(struct zip_builder *z)
{
	zip_builder_use_descriptor(z->entries[0]);
	memcpy(z->entries[0]->descriptor.data, "PK\7\7", 4);
}
static void shorten_descriptor(struct zip_builder *z)
{
	struct buf *descriptor = &z->entries[0]->descriptor;
	zip_builder_use_descriptor(z->entries[0]);
	memmove(descriptor->data, descriptor->data + 4, 12);
	descriptor->len = 12;
}
static void falsify_descriptor(struct zip_builder *z)
{
	zip_builder_use_descriptor(z->entries[1]);
	z->entries[1]->descriptor.data[12]++;
}
static void store_record_before_descriptor(struct zip_builder *z)
{
	zip_builder_use_descriptor(zip_builder_add(z, "inner", "..PK\7\10.."));
}
static void store_record_across_reads(struct zip_builder *z)
{
	char *content = calloc(1, 65536 + 2);
	memcpy(content + 65536 - 2, "PK\1\2", 4);
	zip_builder_use_descriptor(zip_builder_add_file(z, "inner", content, 65536 + 2, ZIP_BUILDER_STORED, 0644));
	free(content);
}
static void store_record_without_descriptor(struct zip_builder *z)
{
	zip_builder_add(z, "inner.zip", "PK\3\4 PK\5\6 PK\7\10");
}

/* R9 */
static void add_usual_extras(struct zip_builder *z)
{
	struct zip_builder_entry *entry = z->entries[0];
	zip_builder_add_extra(&entry->extra, 0x5455, "\1\0\0\0\0", 5);
	zip_builder_add_extra(&entry->extra, 0x7875, "\1\4\0\0\0\0\4\0\0\0\0", 11);
	zip_builder_add_extra(&entry->local_extra, 0x5455, "\3\0\0\0\0\0\0\0\0", 9);
	zip_builder_add_extra(&entry->local_extra, 0xcafe, "", 0);
}
static void add_unicode_path(struct zip_builder *z)
{
	zip_builder_add_extra(&z->entries[0]->extra, 0x7075, "\1\0\0\0\0x", 6);
}
static void add_local_unicode_path(struct zip_builder *z)
{
	zip_builder_add_extra(&z->entries[0]->local_extra, 0x7075, "\1\0\0\0\0x", 6);
}
static void add_extra_twice(struct zip_builder *z)
{
	zip_builder_add_extra(&z->entries[0]->extra, 0xcafe, "", 0);
	zip_builder_add_extra(&z->entries[0]->extra, 0xcafe, "", 0);
}
static void add_extra_fragment(struct zip_builder *z)
{
	puts_to(&z->entries[0]->extra, "abc");
}
static void add_extra_too_long(struct zip_builder *z)
{
	zip_builder_put16(&z->entries[0]->extra, 0xcafe);
	zip_builder_put16(&z->entries[0]->extra, 1);
}
static void add_empty_timestamp(struct zip_builder *z)
{
	zip_builder_add_extra(&z->entries[0]->extra, 0x5455, "", 0);
}

/* R12 */
static void put_content_into_folder(struct zip_builder *z)
{
	zip_builder_set_mode(zip_builder_add(z, "folder/", "content"), 0040755);
}
static void deflate_folder(struct zip_builder *z)
{
	zip_builder_set_mode(zip_builder_add_file(z, "META-INF/", "", 0, ZIP_BUILDER_DEFLATED, 0755), 0);
}
static void name_file_as_folder(struct zip_builder *z)
{
	zip_builder_add(z, "folder/", "");
}

/* R14 */
static void compress_well(struct zip_builder *z)
{
	size_t len = 1024 * 1024 - 1024;
	char *zeros = calloc(1, len);
	zip_builder_add_file(z, "zeros", zeros, len, ZIP_BUILDER_DEFLATED, 0644);
	free(zeros);
}
static void compress_too_well(struct zip_builder *z)
{
	compress_well(z);
	size_t len = 2 * 1024 * 1024;
	char *zeros = calloc(1, len);
	zip_builder_add_file(z, "more", zeros, len, ZIP_BUILDER_DEFLATED, 0644);
	free(zeros);
}
static void state_impossible_ratio(struct zip_builder *z)
{
	zip_builder_set_size(z->entries[1], z->entries[1]->record.compressed * 1032 + 1);
}

/* R15 */
static void comment_entry(struct zip_builder *z)
{
	puts_to(&z->entries[0]->comment, "note");
}

static const struct zip_case cases[] = {
	{0, "a file, a compressed file and a folder", {{0}}, NULL},

	{1, "script in front", {{0}}, prepend_script},
	{1, "other signature at byte 0", {LOCAL(signature, 0x08074b50)}, NULL},
	{1, "empty archive", {{0}}, remove_entries},

	{0, "archive comment", {{0}}, add_comment},
	{2, "bytes behind", {{0}}, append_bytes},
	{2, "comment shorter than stated", {END(comment_len, 1)}, NULL},
	{2, "no end record", {END(signature, 0x06054b51)}, NULL},
	{2, "directory record in comment", {{0}}, comment_with_record},
	{2, "local header in comment", {{0}}, comment_with_local},
	{2, "end record in comment", {{0}}, comment_with_end},

	{3, "second disk", {END(disk, 1)}, NULL},
	{3, "directory on second disk", {END(directory_disk, 1)}, NULL},
	{3, "entry on second disk", {ENTRY(disk, 1)}, NULL},
	{3, "counts differ", {END(count_on_disk, 2)}, NULL},
	{3, "fewer counted than there", {END(count_on_disk, 2), END(count, 2)}, NULL},
	{3, "more counted than there", {END(count_on_disk, 4), END(count, 4)}, NULL},
	{3, "more counted than can be there", {END(count_on_disk, 999), END(count, 999)}, NULL},
	{3, "other signature in the directory", {RECORD(signature, 0x02014b51)}, NULL},
	{3, "record reaches past the directory", {RECORD(extra_len, 999)}, NULL},

	{4, "count is a sentinel", {END(count_on_disk, 0xffff), END(count, 0xffff)}, NULL},
	{4, "directory size is a sentinel", {END(directory_size, 0xffffffff)}, NULL},
	{4, "directory offset is a sentinel", {END(directory_offset, 0xffffffff)}, NULL},
	{4, "size is a sentinel", {BOTH(size, 0xffffffff)}, NULL},
	{4, "compressed size is a sentinel", {BOTH(compressed, 0xffffffff)}, NULL},
	{4, "offset is a sentinel", {ENTRY(offset, 0xffffffff)}, NULL},
	{4, "ZIP64 extra field", {{0}}, add_zip64_extra},
	{4, "ZIP64 extra field in local header", {{0}}, add_zip64_local_extra},
	{4, "ZIP64 locator", {{0}}, add_locator},

	{5, "gap between entries", {{0}}, leave_gap},
	{5, "gap before the directory", {{0}}, leave_gap_before_directory},
	{5, "gap before the end record", {{0}}, leave_gap_before_end},
	{5, "offset is another entry's", {ENTRY(offset, 51)}, NULL},
	{5, "no local header", {ENTRY(offset, 1)}, NULL},
	{5, "version differs", {LOCAL(version_needed, 20)}, NULL},
	{5, "flags differ", {LOCAL(flags, 2)}, NULL},
	{5, "method differs", {LOCAL(method, 8)}, NULL},
	{5, "time differs", {LOCAL(time, 1)}, NULL},
	{5, "date differs", {LOCAL(date, 1)}, NULL},
	{5, "CRC differs", {LOCAL(crc32, 1)}, NULL},
	{5, "compressed size differs", {LOCAL(compressed, 1)}, NULL},
	{5, "size differs", {LOCAL(size, 1)}, NULL},
	{5, "sizes are zero without a descriptor", {LOCAL(crc32, 0), LOCAL(compressed, 0), LOCAL(size, 0)}, NULL},
	{5, "name differs", {{0}}, rename_local},
	{5, "name differs in the slash", {{0}}, rename_local_folder},
	{5, "local name is longer", {{0}}, lengthen_local_name},
	{5, "signature of a local header", {{0}}, change_local_signature},
	{5, "length of name differs", {LOCAL(name_len, 5)}, NULL},
	{5, "local header reaches into the directory", {LOCAL(extra_len, 999)}, NULL},

	{0, "descriptors", {{0}}, use_descriptor},
	{0, "descriptor and all fields in the local header", {{0}}, use_descriptor_and_state_all},
	{0, "records in stored data without descriptor", {{0}}, store_record_without_descriptor},
	{6, "descriptor and some fields in the local header", {{0}}, use_descriptor_and_state_size},
	{6, "descriptor without signature", {{0}}, unsign_descriptor},
	{6, "descriptor of 12 bytes", {{0}}, shorten_descriptor},
	{6, "descriptor differs", {{0}}, falsify_descriptor},
	{6, "record in stored data before a descriptor", {{0}}, store_record_before_descriptor},
	{6, "record across the border of two reads", {{0}}, store_record_across_reads},

	{0, "version 4.5", {BOTH(version_needed, 45)}, NULL},
	{7, "version 6.3", {BOTH(version_needed, 63)}, NULL},
	{7, "method bzip2", {BOTH(method, 12)}, NULL},
	{7, "stored sizes differ", {BOTH(size, 14)}, NULL},

	{0, "compression level flags", {BOTH(flags, 6)}, NULL},
	{0, "UTF-8 flag on an ASCII name", {BOTH(flags, 0x800)}, NULL},
	{8, "encrypted", {BOTH(flags, 1)}, NULL},
	{8, "patch data", {BOTH(flags, 0x20)}, NULL},
	{8, "strong encryption", {BOTH(flags, 0x40)}, NULL},
	{8, "masked headers", {BOTH(flags, 0x2000)}, NULL},
	{8, "reserved flag", {BOTH(flags, 0x8000)}, NULL},

	{0, "extra fields", {{0}}, add_usual_extras},
	{9, "Unicode path", {{0}}, add_unicode_path},
	{9, "Unicode path in local header", {{0}}, add_local_unicode_path},
	{9, "extra field twice", {{0}}, add_extra_twice},
	{9, "extra field cut off", {{0}}, add_extra_fragment},
	{9, "extra field too long", {{0}}, add_extra_too_long},
	{9, "empty timestamp", {{0}}, add_empty_timestamp},

	{0, "folder with a deflated nothing", {{0}}, deflate_folder},
	{12, "folder with content", {{0}}, put_content_into_folder},
	{12, "folder by name, file by type", {{0}}, name_file_as_folder},
	{12, "file by name, folder by type", {ENTRY(external, 0040755U << 16)}, NULL},
	{12, "file by name, folder by DOS attribute", {ENTRY(external, 0x10)}, NULL},

	{0, "no attributes at all", {ENTRY(external, 0)}, NULL},
	{0, "mode without a type", {ENTRY(external, 0755U << 16)}, NULL},
	{13, "symlink", {ENTRY(external, 0120777U << 16)}, NULL},
	{13, "symlink made by DOS", {ENTRY(external, 0120777U << 16), ENTRY(made_by, 20)}, NULL},
	{13, "device", {ENTRY(external, 0020644U << 16)}, NULL},
	{13, "fifo", {ENTRY(external, 0010644U << 16)}, NULL},
	{13, "setuid", {ENTRY(external, 0104755U << 16)}, NULL},
	{13, "setgid", {ENTRY(external, 0102755U << 16)}, NULL},
	{13, "sticky", {ENTRY(external, 0101755U << 16)}, NULL},
	{13, "volume label", {ENTRY(external, 0x08)}, NULL},

	{0, "1 MiB that compresses well", {{0}}, compress_well},
	{14, "more than 200 times the file", {{0}}, compress_too_well},
	{14, "entry of more than 1032 times its size", {{0}}, state_impossible_ratio},

	{15, "comment on an entry", {{0}}, comment_entry},
};

static void test_rules(void **state UNUSED)
{
	bool failed = false;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf zip = make(&cases[i]);
		struct zip_refusal refusal;
		unsigned rule = cases[i].rule ? zip_probe_structure(&zip, &refusal) : zip_probe(&zip, &refusal);
		buf_done(&zip);
		if (rule != cases[i].rule) {
			print_error("%s: expected rule %u, got %u %s\n", cases[i].title, cases[i].rule, rule,
				    refusal.text.text);
			failed = true;
		}
	}
	assert_false(failed);
}

/* R5: an entry that lies in the data of another, at its end, so that nothing is left over. */
static void test_nested_entry(void **state UNUSED)
{
	struct zip_builder z = {0};
	zip_builder_add(&z, "outer", "");
	zip_builder_add(&z, "inner", "x");
	struct zip_builder_entry *outer = z.entries[0], *inner = z.entries[1];
	zip_builder_layout(&z);

	uint32_t inner_bytes = 30 + 5 + 1; /* its local header and data are the outer one's data */
	outer->local.compressed = outer->record.compressed = inner_bytes;
	zip_builder_set_size(outer, inner_bytes);
	assert_int_equal(inner->offset, 30 + 5);
	struct buf zip = zip_builder_write(&z);
	assert_int_equal(zip_probe_structure(&zip, NULL), 5);
	buf_done(&zip);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rules), cmocka_unit_test(test_nested_entry)};
	return cmocka_run_group_tests_name("zip_rules", tests, NULL, NULL);
}
