/*
 * Throws texts at the reader of a function's list of layers, on a host with some layers. A first line `as guest` says
 * that another account than the host's has written it, which nobody has permitted anything.
 *
 * What must hold: nothing crashes; what is refused says why and what to do; a list that is taken names versions that
 * are there, each layer once, at most five; and the list of their names is taken as the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/slots/layer_list.h"
#include "base/text.h"
#include "fuzz.h"
#include "host.h"

static struct fuzz_host host;
static struct store *store;
static struct trust *trust;

int LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
	struct explain why = {0};
	struct buf errors = {0};
	fuzz_host_make(&host);
	fuzz_host_restore(&host);
	const struct store_options options = {.path = host.store_path, .read_only = true};
	ASSERT(store_open(&options, &store, &why) == 0);
	ASSERT(trust_load(host.config_path, store, &trust, &errors) == 0);
	return 0;
}

static void take(const char *text, size_t len, const struct layer_user *user, struct store_release *ret_record,
		 struct policy_verdict *ret_verdict)
{
	const struct layer_list_request request = {store, trust, text, len, user};
	*ret_record = (struct store_release){0};
	ASSERT(layer_list_take(&request, ret_record, ret_verdict) == 0);
	ASSERT(ret_verdict->outcome == POLICY_ACCEPTED ||
	       (ret_verdict->outcome == POLICY_REFUSED && ret_verdict->reason != 0 && ret_verdict->detail[0] != '\0' &&
		ret_verdict->remedy[0] != '\0'));
	ASSERT(text_is_printable(ret_verdict->detail, strlen(ret_verdict->detail)));
}

static void drop(struct store_release *record)
{
	for (size_t i = 0; i < record->layer_count; i++) {
		free(record->layers[i].layer);
		free(record->layers[i].comment);
	}
	free(record->layers_text);
}

static void check_again(const struct store_release *record, const struct layer_user *user)
{
	struct buf names = {0};
	struct store_release again;
	struct policy_verdict verdict;
	for (size_t i = 0; i < record->layer_count; i++)
		ASSERT(buf_printf(&names, "%s:%llu\n", record->layers[i].layer,
				  (unsigned long long)record->layers[i].version) == 0);
	take(names.data ? names.data : "", names.len, user, &again, &verdict);
	ASSERT(verdict.outcome == POLICY_ACCEPTED && again.layer_count == record->layer_count);
	for (size_t i = 0; i < again.layer_count; i++) {
		ASSERT(strcmp(again.layers[i].layer, record->layers[i].layer) == 0);
		ASSERT(memcmp(again.layers[i].digest, record->layers[i].digest, CRYPTO_SHA256_BYTES) == 0);
		for (size_t k = 0; k < i; k++)
			ASSERT(strcmp(again.layers[i].layer, again.layers[k].layer) != 0);
	}
	drop(&again);
	buf_done(&names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct layer_user owner = {.account = GATE_FIXTURE_ACCOUNT}, guest = {.account = OTHER};
	static const char as_guest[] = "as guest\n";
	bool is_guest = size >= strlen(as_guest) && memcmp(data, as_guest, strlen(as_guest)) == 0;
	size_t skipped = is_guest ? strlen(as_guest) : 0;
	const struct layer_user *user = is_guest ? &guest : &owner;
	char *text = fuzz_copy(data + skipped, size - skipped);
	struct store_release record;
	struct policy_verdict verdict;

	take(text, size - skipped, user, &record, &verdict);
	ASSERT(record.layer_count <= LIMIT_LAYERS && (!is_guest || record.layer_count == 0));
	if (verdict.outcome == POLICY_ACCEPTED)
		check_again(&record, user);
	drop(&record);
	free(text);
	return 0;
}
