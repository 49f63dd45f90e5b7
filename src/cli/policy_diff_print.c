/* What makes one policy bundle another, for people and as JSON. */
#include <inttypes.h>
#include <string.h>

#include "cli/aws.h"
#include "cli/cli.h"
#include "policy_diff.h"

static char sign_of(const void *from, const void *to)
{
	return !from ? '+' : !to ? '-' : '~';
}

static const char *word_of(const void *from, const void *to)
{
	return !from ? "added" : !to ? "removed" : "changed";
}

static const struct revocation_list *find_list(const struct policy_file *file, const struct config_member *member)
{
	for (size_t i = 0; member && i < file->account_count; i++)
		if (file->accounts[i].list && strcmp(file->accounts[i].section->revocations, member->name) == 0)
			return file->accounts[i].list;
	return NULL;
}

/* ---- for people ---- */

static bool has_value(const struct policy_setting *settings, size_t count, const char *value)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(settings[i].value, value) == 0)
			return true;
	return false;
}

static void put_value(struct sheet *sheet, const char *key, const char *sign, const char *value)
{
	sheet_put(sheet, "      %s: %s ", key, sign);
	sheet_text(sheet, value);
	sheet_put(sheet, "\n");
}

static void put_key(struct sheet *sheet, const struct policy_key_change *change)
{
	if (change->from_count == 1 && change->to_count == 1) {
		sheet_put(sheet, "      %s: ", change->key);
		sheet_text(sheet, change->from[0].value);
		sheet_put(sheet, " -> ");
		sheet_text(sheet, change->to[0].value);
		sheet_put(sheet, "\n");
		return;
	}
	for (size_t i = 0; i < change->from_count; i++)
		if (!has_value(change->to, change->to_count, change->from[i].value))
			put_value(sheet, change->key, "-", change->from[i].value);
	for (size_t i = 0; i < change->to_count; i++)
		if (!has_value(change->from, change->from_count, change->to[i].value))
			put_value(sheet, change->key, "+", change->to[i].value);
}

static void put_settings(struct sheet *sheet, const struct policy_section *section)
{
	for (size_t i = 0; i < section->count; i++) {
		sheet_put(sheet, "      %s = ", section->settings[i].key);
		sheet_text(sheet, section->settings[i].value);
		sheet_put(sheet, "\n");
	}
}

static void put_section(struct sheet *sheet, const struct policy_diff_row *row)
{
	const char *title = row->from ? row->from->title : row->to->title;
	bool is_terms = strcmp(title, POLICY_SECTION_TERMS) == 0;
	struct policy_diff_keys keys = {.from = row->from, .to = row->to};
	struct policy_key_change change;
	sheet_put(sheet, "  %c %s%s%s\n", sign_of(row->from, row->to), is_terms ? "" : "[", title, is_terms ? "" : "]");
	if (!row->from || !row->to)
		put_settings(sheet, row->from ? row->from : row->to);
	else
		while (policy_diff_next(&keys, &change))
			put_key(sheet, &change);
}

static void put_trust(struct sheet *sheet, const struct policy_diff *diff, const struct policy_diff_row *row)
{
	const struct revocation_list *from = find_list(diff->from, row->from_file);
	const struct revocation_list *to = find_list(diff->to, row->to_file);
	const struct config_member *member = row->from_file ? row->from_file : row->to_file;
	sheet_put(sheet, "  %c %s", sign_of(row->from_file, row->to_file), member->name);
	if (from && to)
		sheet_put(sheet, ": list %" PRIu64 " -> %" PRIu64 ", revokes %zu -> %zu%s", from->sequence,
			  to->sequence, from->entry_count, to->entry_count,
			  to->sequence < from->sequence ? " (an OLDER list: hosts keep the newer one)" : "");
	else if (from || to)
		sheet_put(sheet, ": list %" PRIu64 ", revokes %zu", (from ? from : to)->sequence,
			  (from ? from : to)->entry_count);
	sheet_put(sheet, "\n");
}

int policy_diff_print(const struct policy_diff *diff)
{
	struct sheet sheet = sheet_begin();
	uint64_t from = diff->from->config->terms->sequence, to = diff->to->config->terms->sequence;
	sheet_put(&sheet, "policy bundle %" PRIu64 " (%s) -> %" PRIu64 " (%s)%s\n", from, diff->from->shown, to,
		  diff->to->shown, diff->count == 0 ? ": they say the same" : "");
	for (size_t i = 0; i < diff->count; i++) {
		const struct policy_diff_row *row = &diff->rows[i];
		if (row->from || row->to)
			put_section(&sheet, row);
		else
			put_trust(&sheet, diff, row);
	}
	if (diff->count > 0 && to <= from)
		sheet_put(&sheet,
			  "\nA host that has had sequence %" PRIu64 " refuses another bundle with %" PRIu64 ".\n", from,
			  to);
	return sheet_print(&sheet, CLI_EXIT_OK);
}

/* ---- for programs ---- */

static void json_values(struct json *j, const char *key, const struct policy_setting *settings, size_t count)
{
	json_array(j, key);
	for (size_t i = 0; i < count; i++)
		json_text(j, NULL, settings[i].value);
	json_close(j);
}

static void json_section(struct json *j, const struct policy_diff_row *row)
{
	struct policy_diff_keys keys = {.from = row->from, .to = row->to};
	struct policy_key_change change;
	json_object(j, NULL);
	json_text(j, "section", row->from ? row->from->title : row->to->title);
	json_text(j, "change", word_of(row->from, row->to));
	json_array(j, "keys");
	while (policy_diff_next(&keys, &change)) {
		json_object(j, NULL);
		json_text(j, "key", change.key);
		json_values(j, "from", change.from, change.from_count);
		json_values(j, "to", change.to, change.to_count);
		json_close(j);
	}
	json_close(j);
	json_close(j);
}

static void json_trust(struct json *j, const struct policy_diff *diff, const struct policy_diff_row *row)
{
	const struct revocation_list *from = find_list(diff->from, row->from_file);
	const struct revocation_list *to = find_list(diff->to, row->to_file);
	json_object(j, NULL);
	json_text(j, "file", row->from_file ? row->from_file->name : row->to_file->name);
	json_text(j, "change", word_of(row->from_file, row->to_file));
	if (from)
		json_u64(j, "fromListSequence", from->sequence);
	if (to)
		json_u64(j, "toListSequence", to->sequence);
	json_close(j);
}

static void json_side(struct json *j, const char *key, const char *path, const struct policy_file *file)
{
	json_object(j, key);
	json_text(j, "file", path);
	json_u64(j, "sequence", file->config->terms->sequence);
	json_close(j);
}

int policy_diff_print_json(const struct policy_diff *diff)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	json_side(&j, "from", diff->from_path, diff->from);
	json_side(&j, "to", diff->to_path, diff->to);
	json_bool(&j, "same", diff->count == 0);
	json_array(&j, "sections");
	for (size_t i = 0; i < diff->count; i++)
		if (diff->rows[i].from || diff->rows[i].to)
			json_section(&j, &diff->rows[i]);
	json_close(&j);
	json_array(&j, "trust");
	for (size_t i = 0; i < diff->count; i++)
		if (!diff->rows[i].from && !diff->rows[i].to)
			json_trust(&j, diff, &diff->rows[i]);
	json_close(&j);
	json_close(&j);
	return cli_print_json(&text, json_end(&j));
}
