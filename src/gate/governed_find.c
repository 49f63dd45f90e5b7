/*
 * governed_find.c - what the store has of policy bundles: the current one, and which sequences were in force.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "govern.h"

/* ---- which were in force ---- */

/* Calls take with each record that can be read; 0 or a failure to list them. */
static int each_release(struct store *store, void (*take)(void *ctx, const struct store_release *), void *ctx)
{
	uint64_t *numbers = NULL;
	size_t count = 0;
	int r = store_list_releases(store, STORE_POLICY_SLOT, &numbers, &count);
	for (size_t i = 0; r == 0 && i < count; i++) {
		struct store_release *release = NULL;
		if (store_load_release(store, STORE_POLICY_SLOT, numbers[i], &release) == 0)
			take(ctx, release);
		store_release_free(release);
	}
	free(numbers);
	return r == -ENOENT ? 0 : r;
}

static void take_highest(void *ctx, const struct store_release *release)
{
	uint64_t *highest = ctx, sequence = governed_sequence_of(release);
	*highest = sequence > *highest ? sequence : *highest;
}

int govern_highest(struct store *store, uint64_t *ret)
{
	uint64_t highest = 0;
	int r = store_policy_sequence(store, &highest);
	if (r == -EBADMSG) {
		log_warning("which policy bundle was in force last is damaged in the store; what is kept of them says");
		r = each_release(store, take_highest, &highest);
	}
	if (r == 0)
		*ret = highest;
	return r;
}

struct search {
	uint64_t sequence;
	const uint8_t *tree_sha256;
	bool is_known; /* something had it */
	bool is_found; /* this had it */
};

static void take_same(void *ctx, const struct store_release *release)
{
	struct search *s = ctx;
	bool has_it = governed_sequence_of(release) == s->sequence;
	s->is_known = s->is_known || has_it;
	s->is_found = s->is_found || (has_it && memcmp(release->digest, s->tree_sha256, sizeof(release->digest)) == 0);
}

bool govern_had(struct store *store, uint64_t sequence, const uint8_t tree_sha256[CRYPTO_SHA256_BYTES])
{
	struct search s = {.sequence = sequence, .tree_sha256 = tree_sha256};
	int r = each_release(store, take_same, &s);
	return r == 0 && (s.is_found || !s.is_known);
}

/* ---- which is ---- */

/* The whole file in memory: what the store has verified, then comment length and comment. */
static int read_file(struct store *store, const struct store_release *release, struct buf *ret)
{
	const uint8_t comment_len[2] = {release->comment_len & 0xff, (release->comment_len >> 8) & 0xff};
	struct store_object *object = NULL;
	char *bytes = NULL;
	if (release->length_bytes == 0 || release->length_bytes > LIMIT_BUNDLE_ZIP_BYTES)
		return -EFBIG;
	int r = store_open_object(store, release->digest, release->length_bytes, &object);
	if (r < 0)
		return r;
	r = -ENOMEM;
	bytes = malloc((size_t)release->length_bytes);
	if (!bytes)
		goto out;
	r = store_object_pread(object, bytes, (size_t)release->length_bytes, 0);
	if (r == 0)
		r = buf_append(ret, bytes, (size_t)release->length_bytes);
	if (r == 0)
		r = buf_append(ret, comment_len, sizeof(comment_len));
	if (r == 0 && release->comment_len > 0)
		r = buf_append(ret, release->comment, release->comment_len);
out:
	free(bytes);
	store_object_unref(object);
	return r;
}

static int read_bundle(struct store *store, const struct store_release *release, struct bundle **ret,
		       struct explain *ret_why)
{
	struct buf bytes = {0};
	int r = read_file(store, release, &bytes);
	if (r < 0) {
		explain_set(ret_why, "its bytes cannot be had from the store: %s",
			    r == -EBADMSG ? "they are not what was accepted" : strerror(-r));
	} else {
		const struct io_memory memory = {.bytes = bytes.data, .len = bytes.len};
		const struct io_reader reader = io_reader_memory(&memory);
		r = bundle_read(&reader, ret, ret_why);
	}
	buf_done(&bytes);
	return r;
}

/* Integrity and source have to hold; when it ends, or is taken back, it stays in force (govern_weigh). */
static int prove(const struct trust *own, const struct store_release *release, struct signature_facts *ret,
		 struct explain *ret_why)
{
	const struct config_code_signing rules = governed_rules(own->config);
	struct gate_decision *decision = calloc(1, sizeof(*decision));
	int r = decision ? 0 : -ENOMEM;
	if (r == 0)
		r = gate_judge_bundle_release(own, &rules, POLICY_ON_DEPLOYMENT, release, NULL, decision);
	if (r < 0)
		goto out;
	const struct policy_check_result *checks = decision->verdict.checks;
	if (checks[POLICY_INTEGRITY].state == POLICY_OK && checks[POLICY_SOURCE].state == POLICY_OK) {
		*ret = decision->facts;
	} else {
		explain_set(ret_why, "%s", decision->verdict.detail);
		r = -EBADMSG;
	}
out:
	free(decision);
	return r;
}

/* Each change makes a release with a higher number, so an earlier rollback is no excuse for what came after it. */
static bool is_rolled_back_to(struct store *store, const struct store_release *release, uint64_t highest)
{
	uint64_t newest = 0;
	return govern_is_rollback(release, highest) && store_newest_release(store, STORE_POLICY_SLOT, &newest) == 0 &&
	       newest == release->number;
}

/* No lower sequence is current unless an administrator wanted it. */
static int check_sequence(struct store *store, const struct store_release *release, const struct governed *governed,
			  struct explain *ret_why)
{
	if (governed->sequence >= governed->highest_sequence ||
	    is_rolled_back_to(store, release, governed->highest_sequence))
		return 0;
	explain_set(ret_why,
		    "the store has been set back: bundle %llu is there, and %llu was in force, from which nobody has "
		    "rolled back",
		    (unsigned long long)governed->sequence, (unsigned long long)governed->highest_sequence);
	return -EBADMSG;
}

static int take_current(const struct trust *own, struct store *store, const struct store_release *release,
			struct governed *governed, struct explain *ret_why)
{
	struct signature_facts *facts = calloc(1, sizeof(*facts));
	int r = facts ? prove(own, release, facts, ret_why) : -ENOMEM;
	if (r == 0)
		r = read_bundle(store, release, &governed->bundle, ret_why);
	if (r == 0)
		r = govern_read_terms(governed->bundle, own->config, &governed->sequence, ret_why);
	if (r == 0)
		r = check_sequence(store, release, governed, ret_why);
	if (r == 0) {
		governed->state = GOVERNED_IN_FORCE;
		govern_take_facts(governed, facts);
		if (governed->sequence > governed->highest_sequence)
			governed->highest_sequence = governed->sequence;
		govern_take_record(governed, release);
	}
	free(facts);
	return r;
}

static int find_current(const struct trust *own, struct store *store, struct governed *governed,
			struct explain *ret_why)
{
	struct store_release *release = NULL;
	int r = govern_highest(store, &governed->highest_sequence);
	if (r < 0) {
		explain_set(ret_why, "which bundle was in force last cannot be read from the store: %s", strerror(-r));
		return r;
	}
	r = store_load_current(store, STORE_POLICY_SLOT, &release);
	if (r == 0) {
		r = take_current(own, store, release, governed, ret_why);
	} else if (r == -ENOENT && governed->highest_sequence == 0) {
		governed->state = GOVERNED_NONE;
		r = 0;
	} else {
		explain_set(ret_why, "bundle %llu was in force, and the store has %s",
			    (unsigned long long)governed->highest_sequence,
			    r == -ENOENT ? "none" : "no record of it that is whole");
	}
	store_release_free(release);
	return r;
}

int govern_find(const struct trust *own, struct store *store, struct governed **ret)
{
	struct governed *governed = govern_new(GOVERNED_LOST);
	struct explain why = {0};
	if (!governed)
		return -ENOMEM;
	int r = find_current(own, store, governed, &why);
	if (r == -ENOMEM) {
		govern_free(governed);
		return r;
	}
	if (r < 0)
		govern_lose(governed, why.text[0] ? why.text : strerror(-r));
	*ret = governed;
	return 0;
}

bool governed_is_stored(const struct trust *trust, struct store *store)
{
	const struct governed *now = trust->governed;
	struct governed *stored = NULL;
	bool is_stored = false;
	if (now && now->state == GOVERNED_IN_FORCE && govern_find(trust->local, store, &stored) == 0)
		is_stored = stored->state == GOVERNED_IN_FORCE && stored->sequence == now->sequence &&
			    memcmp(stored->tree_sha256, now->tree_sha256, sizeof(now->tree_sha256)) == 0;
	govern_free(stored);
	return is_stored;
}
