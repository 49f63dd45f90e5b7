/*
 * Throws texts at the reader of status.json, and of what the kernel says of mounts. What must hold: nothing crashes;
 * what is read is printed as text that reads as the same; no view shows anything that a terminal would take for more
 * than text.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/fs/mountinfo.h"
#include "base/json.h"
#include "fuzz.h"
#include "overview/overview.h"

static struct buf print(const struct overview *overview)
{
	struct buf text = {0};
	struct json j = {.out = &text};
	json_object(&j, NULL);
	overview_put_json(&j, overview);
	json_close(&j);
	ASSERT(json_end(&j) == 0);
	return text;
}

static void check_views(struct overview *overview)
{
	static const struct overview_screen screen = {.columns = OVERVIEW_COLUMNS_MIN};
	struct overview_finding *problems = NULL;
	struct buf out = {0};
	size_t count = 0;
	overview_rank(overview);
	ASSERT(overview_print_status(overview, &screen, &out) == 0 && overview_print_health(overview, &out) == 0);
	for (size_t i = 0; i < out.len; i++)
		ASSERT(out.data[i] == '\n' || (out.data[i] >= ' ' && out.data[i] <= '~'));
	ASSERT(overview_find_problems(overview, OVERVIEW_EXPIRY_DAYS, &problems, &count) == 0);
	free(problems);
	buf_done(&out);
}

static void try_mountinfo(const char *text)
{
	struct mountinfo info = {0};
	char *copy = strdup(text);
	ASSERT(copy);
	int r = mountinfo_parse(copy, &info);
	ASSERT(r == 0 || r == -EBADMSG);
	for (size_t i = 0; r == 0 && i < info.count; i++) {
		const struct mountinfo_entry *entry = &info.entries[i];
		ASSERT(mountinfo_at(&info, entry->mountpoint));
		if (mountinfo_is_vouchfs(entry))
			(void)mountinfo_find_run(&info, entry);
		(void)mountinfo_find_tree(&info, MOUNTINFO_DEPLOYMENT, entry->source, entry->user);
	}
	if (r == 0)
		mountinfo_done(&info);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_copy(data, size);
	struct overview *overview = NULL, *again = NULL;
	int r = overview_parse(text, size, &overview);
	ASSERT(r == 0 || r == -EBADMSG);
	if (r == 0) {
		struct buf first = print(overview);
		ASSERT(overview_parse(first.data, first.len, &again) == 0);
		struct buf second = print(again);
		ASSERT(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
		check_views(again);
		buf_done(&first);
		buf_done(&second);
	}
	try_mountinfo(text);
	overview_free(overview);
	overview_free(again);
	free(text);
	return 0;
}
