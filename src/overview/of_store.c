/*
 * An overview of a store that nobody has mounted, as it lies: records and notes are read, signatures are proved, and
 * each object is compared with its digest, but for its blocks. Nothing is locked, recovered or written.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "gate/gate.h"
#include "overview/fill.h"
#include "policy/reason.h"

struct looking {
	struct store *store;
	const struct trust *trust;
	struct overview *overview;
	struct gate_decision *decision; /* room for one */
};

/* ---- what is there ---- */

static bool object_is_whole(struct store *store, const uint8_t digest[CRYPTO_SHA256_BYTES], uint64_t length)
{
	struct store_object *object = NULL;
	int r = store_open_object(store, digest, length, &object);
	store_object_unref(object);
	return r == 0;
}

static bool objects_are_whole(struct store *store, const struct store_release *release)
{
	bool whole = object_is_whole(store, release->digest, release->length_bytes);
	for (size_t i = 0; whole && i < release->layer_count; i++)
		whole = object_is_whole(store, release->layers[i].digest, release->layers[i].length_bytes);
	return whole;
}

/* A layer has no current one: its newest. -ENOENT: there is none. */
static int load_shown(struct store *store, const char *name, struct store_release **ret, uint64_t *ret_count)
{
	uint64_t *numbers = NULL;
	size_t count = 0;
	int r = store_list_releases(store, name, &numbers, &count);
	*ret_count = r == 0 ? count : 0;
	if (r == 0 && !store_is_layer(name))
		r = store_load_current(store, name, ret);
	else if (r == 0)
		r = count > 0 ? store_load_release(store, name, numbers[count - 1], ret) : -ENOENT;
	free(numbers);
	return r;
}

/* Under a pattern only what somebody has made is a slot. */
static bool was_made(struct store *store, const char *name)
{
	struct buf text = {0};
	uint64_t made = 0;
	int r = store_get_slot_file(store, name, "slot", &text);
	if (r == 0)
		(void)text_record_get_u64(text.data, text.len, "made", &made);
	buf_done(&text);
	return made != 0;
}

static int fill_last(struct store *store, const char *name, struct overview_attempt *last)
{
	struct buf note = {0};
	int r = store_get_slot_file(store, name, "note", &note);
	const char *gap = r == 0 && note.len > 0 ? memmem(note.data, note.len, "\n\n", 2) : NULL;
	if (r == 0 && note.len > 0)
		r = overview_fill_last(note.data, gap ? (size_t)(gap - note.data) + 1 : note.len, last);
	buf_done(&note);
	return r == -ENOENT || r == -EBADMSG ? 0 : r; /* shown only: a torn one is none */
}

/* ---- today's verdicts ---- */

static void block(const struct policy_verdict *verdict, struct overview_slot *row)
{
	bool is_refused = verdict->outcome == POLICY_REFUSED;
	row->is_damaged |= is_refused && verdict->deciding == POLICY_INTEGRITY;
	row->is_blocked = is_refused && verdict->deciding != POLICY_INTEGRITY;
}

/* As on load, and again as under Enforce, of what was found out the first time. */
static int judge(const struct looking *l, const struct config_slot *section, const struct store_release *release,
		 struct overview_slot *row)
{
	const struct config_code_signing *rules = section ? section->code_signing : NULL;
	struct gate_decision *decision = l->decision;
	struct signature_facts *known = calloc(1 + release->layer_count, sizeof(*known));
	int r = known ? gate_judge_release(l->trust, rules, POLICY_ON_LOAD, release, decision) : -ENOMEM;
	if (r == 0) {
		block(&decision->verdict, row);
		known[0] = decision->facts;
		for (size_t i = 0; i < decision->layer_count; i++)
			known[1 + i] = decision->layers[i].facts;
		r = gate_judge_as_enforce(l->trust, rules, release, known, decision);
	}
	if (r == 0)
		r = overview_fill_enforce(decision->verdict.outcome, decision->verdict.reason, decision->verdict.detail,
					  row);
	free(known);
	return r;
}

/* ---- rows ---- */

static int fill_row(const struct looking *l, const char *name, const struct config_slot *section,
		    const struct store_release *release, struct overview_slot *row)
{
	bool is_layer = store_is_layer(name);
	int r = overview_fill_slot(is_layer ? name + strlen(STORE_LAYER_PREFIX) : name, is_layer, section, row);
	if (r == 0)
		r = fill_last(l->store, name, &row->last);
	if (r < 0 || !release)
		return r;
	row->is_damaged |= release->stands_in || !objects_are_whole(l->store, release);
	r = overview_fill_release(release, row);
	return r == 0 && !is_layer ? judge(l, section, release, row) : r;
}

/* name is the store's: a layer's has a prefix. */
static int add_slot(const struct looking *l, const char *name)
{
	struct store_release *release = NULL;
	uint64_t kept_count = 0;
	const struct config *config = l->trust->config;
	const struct config_slot *section = store_is_layer(name)
						    ? config_find_layer(config, name + strlen(STORE_LAYER_PREFIX))
						    : config_find_function(config, name);
	int r = load_shown(l->store, name, &release, &kept_count);
	bool is_torn = r == -EBADMSG;
	if (r < 0 && r != -ENOENT && !is_torn)
		return r;
	bool is_there = release || is_torn || (section && (!section->is_pattern || was_made(l->store, name)));
	struct overview_slot *row = is_there ? overview_add_slot(l->overview) : NULL;
	r = is_there && !row ? -ENOMEM : 0;
	if (row) {
		row->is_damaged = is_torn;
		row->kept_count = kept_count;
		r = fill_row(l, name, section, release, row);
	}
	store_release_free(release);
	return r;
}

static int add_declared(const struct looking *l, const struct config_slot *sections, size_t count, const char *prefix)
{
	char name[sizeof(STORE_LAYER_PREFIX) + LIMIT_FUNCTION_NAME_BYTES];
	int r = 0;
	for (size_t i = 0; r == 0 && i < count; i++) {
		(void)snprintf(name, sizeof(name), "%s%s", prefix, sections[i].name);
		if (!sections[i].is_pattern)
			r = add_slot(l, name);
	}
	return r;
}

/* Declared by name: it has its row already. */
static bool is_declared(const struct looking *l, const char *name, bool is_layer)
{
	const struct config *config = l->trust->config;
	const struct config_slot *section = is_layer ? config_find_layer(config, name)
						     : config_find_function(config, name);
	return section && !section->is_pattern;
}

static int add_stored(const struct looking *l, bool is_layer)
{
	char name[sizeof(STORE_LAYER_PREFIX) + LIMIT_FUNCTION_NAME_BYTES], **names = NULL;
	size_t count = 0;
	int r = is_layer ? store_list_layers(l->store, &names, &count) : store_list_functions(l->store, &names, &count);
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "%s%s", is_layer ? STORE_LAYER_PREFIX : "", names[i]);
		if (r == 0 && !is_declared(l, names[i], is_layer))
			r = add_slot(l, name);
		free(names[i]);
	}
	free(names);
	return r;
}

static int add_all(const struct looking *l)
{
	const struct config *config = l->trust->config;
	int r = overview_fill_trust(l->trust, l->overview->now_s, l->overview);
	if (r == 0 && l->overview->policy.state)
		r = fill_last(l->store, STORE_POLICY_SLOT, &l->overview->policy.last);
	if (r == 0)
		r = add_declared(l, config->functions, config->function_count, "");
	if (r == 0)
		r = add_declared(l, config->layers, config->layer_count, STORE_LAYER_PREFIX);
	if (r == 0)
		r = add_stored(l, false);
	if (r == 0)
		r = add_stored(l, true);
	return r == 0 ? overview_complete(l->overview) : r;
}

int overview_of_store(const struct trust *trust, struct overview **ret, struct explain *ret_why)
{
	const struct store_options options = {
		.path = trust->config->store, .anchor = trust->config->anchor, .read_only = true};
	struct looking l = {.trust = trust, .overview = overview_new(), .decision = calloc(1, sizeof(*l.decision))};
	int r = l.overview && l.decision ? store_open(&options, &l.store, ret_why) : -ENOMEM;
	if (r == 0) {
		l.overview->now_s = clock_now_s();
		l.overview->audit_writable = true; /* nobody writes it, so nothing is known against it */
		r = add_all(&l);
	}
	if (r < 0 && !ret_why->text[0])
		explain_set(ret_why, "the store %s cannot be looked through: %s", trust->config->store, strerror(-r));
	store_close(l.store);
	free(l.decision);
	if (r < 0)
		overview_free(l.overview);
	else
		*ret = l.overview;
	return r;
}
