/*
 * Throws texts at the readers of the store's records, one record at a time. The first line of an input says which, the
 * checksum of a release is made here:
 *
 *     release      of the function "main", number 1
 *     permissions  who may use a layer version
 *     intent       the name of a file in staging/
 *     removed      the same, of a slot that is being removed
 *
 * What must hold: nothing crashes; what is read is of that function and number; what is written of it is read again as
 * the same, and written again to the same bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/store/internal.h"
#include "base/text.h"
#include "fuzz.h"
#include "gate/layer_policy.h"

#define FUNCTION "main"

/* ---- releases ---- */

static int decode(const struct buf *text, struct store_release **ret)
{
	int r = store_record_decode(FUNCTION, 1, text->data, text->len, ret);
	ASSERT(r == 0 || r == -EBADMSG);
	return r;
}

static void check_release(const struct store_release *release)
{
	ASSERT(release->number == 1 && release->id != 0 && release->layer_count <= LIMIT_LAYERS);
	ASSERT(strlen(release->artifact_name) > 0 && !strchr(release->artifact_name, '/'));
	ASSERT(release->comment && release->decision && release->comment[release->comment_len] == '\0');
	ASSERT((release->layer_count > 0) == (release->layers_text != NULL));
	for (size_t i = 0; i < release->layer_count; i++)
		ASSERT(store_is_name(release->layers[i].layer) && release->layers[i].comment);
}

static void try_release(const char *text, size_t len)
{
	struct buf sealed = {0}, first = {0}, second = {0};
	struct store_release *release = NULL, *again = NULL;
	ASSERT(buf_append(&sealed, text, len) == 0 && store_seal(&sealed) == 0);
	if (decode(&sealed, &release) == 0) {
		check_release(release);
		ASSERT(store_record_encode(FUNCTION, release, &first) == 0 && decode(&first, &again) == 0);
		ASSERT(store_record_encode(FUNCTION, again, &second) == 0);
		ASSERT(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	}
	sealed.data[0] ^= 1; /* the checksum is another record's now */
	ASSERT(store_record_decode(FUNCTION, 1, sealed.data, sealed.len, &again) == -EBADMSG);
	store_release_free(release);
	store_release_free(again);
	buf_done(&sealed);
	buf_done(&first);
	buf_done(&second);
}

/* ---- others ---- */

static void try_permissions(const char *text, size_t len)
{
	struct layer_policy policy = {0}, again = {0};
	struct buf printed = {0};
	int r = layer_policy_parse(text, len, &policy);
	ASSERT(r == 0 || r == -EBADMSG);
	if (r < 0)
		return;
	ASSERT(layer_policy_print(&policy, &printed) == 0);
	ASSERT(printed.len == len && memcmp(printed.data, text, len) == 0);
	ASSERT(layer_policy_parse(printed.data, printed.len, &again) == 0 && again.count == policy.count);
	for (size_t i = 0; i < policy.count; i++)
		ASSERT(layer_policy_find(&policy, policy.statements[i].id) == &policy.statements[i]);
	buf_done(&printed);
}

static void try_intent(const char *text, size_t len UNUSED)
{
	struct store_intent_name name;
	if (store_intent_parse(text, &name))
		ASSERT(store_is_slot(name.function));
}

static void try_removed(const char *text, size_t len UNUSED)
{
	const char *slot = store_removed_function(text);
	ASSERT(!slot || store_is_slot(slot));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		const char *name;
		void (*try)(const char *text, size_t len);
	} kinds[] = {{"release", try_release},
		     {"permissions", try_permissions},
		     {"intent", try_intent},
		     {"removed", try_removed}};
	const uint8_t *newline = size > 0 ? memchr(data, '\n', size) : NULL;
	if (!newline)
		return 0;
	size_t name_len = (size_t)(newline - data), len = size - name_len - 1;
	char *text = fuzz_copy(newline + 1, len);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (text_equal((const char *)data, name_len, kinds[i].name))
			kinds[i].try(text, len);
	free(text);
	return 0;
}
