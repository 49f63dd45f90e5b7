/* The layer versions of a function's release, in memory: one struct each, shared by all releases that have it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "internal.h"

#define READ_BYTES 1048576U

/* What is known of a version that is not published any more, or whose layer cannot be read. */
static struct store_release *make_record(const struct store_layer *layer)
{
	struct store_release *record = calloc(1, sizeof(*record));
	char name[32];
	if (!record)
		return NULL;
	(void)snprintf(name, sizeof(name), "%" PRIu64 ".zip", layer->version);
	*record = (struct store_release){
		.number = layer->version,
		.id = layer->id,
		.artifact_name = strdup(name),
		.length_bytes = layer->length_bytes,
		.comment = malloc(layer->comment_len + 1),
		.comment_len = layer->comment_len,
		.decision = strdup(""),
	};
	memcpy(record->digest, layer->digest, sizeof(record->digest));
	if (!record->artifact_name || !record->comment || !record->decision) {
		store_release_free(record);
		return NULL;
	}
	if (layer->comment_len > 0)
		memcpy(record->comment, layer->comment, layer->comment_len);
	return record;
}

/* The layer's slot, though no configuration names the layer any more. */
static int find_slot(struct slots *slots, const char *layer, struct slot **ret)
{
	char name[sizeof(STORE_LAYER_PREFIX) + LIMIT_FUNCTION_NAME_BYTES];
	struct slot *slot = NULL;
	int r = slot_find_layer(slots, layer, &slot); /* loads: its versions are in memory then */
	if (r == 0) {
		*ret = slot;
		return 0;
	}
	if (r == -ENOMEM)
		return r;
	(void)snprintf(name, sizeof(name), STORE_LAYER_PREFIX "%s", layer);
	lock_take(&slots->lock);
	HASH_FIND_STR(slots->by_name, name, slot);
	r = slot ? 0 : slot_add(slots, name, &slot);
	lock_drop(&slots->lock);
	if (r == 0)
		*ret = slot;
	return r;
}

int release_of_layer(struct slots *slots, const struct store_layer *layer, struct release **ret)
{
	struct slot *slot = NULL;
	int r = find_slot(slots, layer->layer, &slot);
	if (r < 0)
		return r;
	struct release *present = release_get(slots, layer->id);
	if (present) {
		*ret = present;
		return 0;
	}
	ASSERT(slot);
	struct store_release *record = make_record(layer);
	r = record ? release_new(slot, slot->facts.id, record, ret) : -ENOMEM;
	if (r < 0)
		store_release_free(record);
	return r;
}

int release_find_layers(struct release *release, const struct store_release *record)
{
	for (size_t i = 0; i < record->layer_count; i++) {
		int r = release_of_layer(release->slots, &record->layers[i], &release->layers[i]);
		if (r < 0)
			return r;
		release->layer_count++;
	}
	return 0;
}

/* ---- all of them together ---- */

/* A disk that fails says nothing about the layer: that is an error, and is tried again the next time. */
static bool is_bad(struct release *layer, int error)
{
	return error < 0 && error != -ENOMEM && release_is_damaged(layer);
}

static int take_views(struct slots *slots, const struct store_release *of, struct release **layers,
		      const struct store_layer **ret_bad)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < of->layer_count; i++) {
		r = release_of_layer(slots, &of->layers[i], &layers[i]);
		if (r < 0)
			break;
		r = release_load_view(layers[i]);
		if (is_bad(layers[i], r))
			*ret_bad = &of->layers[i];
	}
	return r;
}

static uint64_t count_folders(const struct view *view)
{
	uint64_t count = 0;
	for (uint32_t i = 0; i < view->node_count; i++)
		count += view->nodes[i].is_directory;
	return count;
}

/* Merged only where it may come out as too many: what they have in common counts once. */
static int check_folders(struct slots *slots, const struct view *const *views, size_t count, bool *ret_too_many)
{
	uint64_t folders = 0;
	struct opt *merged = NULL;
	for (size_t i = 0; i < count; i++)
		folders += count_folders(views[i]);
	int r = folders > slots->opt_folders_max ? opt_new(views, count, slots->opt_folders_max, &merged) : 0;
	opt_free(merged);
	*ret_too_many = r == -E2BIG;
	return r == -E2BIG ? 0 : r;
}

int layers_measure(struct slots *slots, const struct store_release *of, struct layers_size *ret,
		   const struct store_layer **ret_bad)
{
	struct release *layers[LIMIT_LAYERS] = {NULL};
	const struct view *views[LIMIT_LAYERS] = {NULL};
	struct layers_size size = {0};
	int r = take_views(slots, of, layers, ret_bad);
	for (size_t i = 0; r == 0 && i < of->layer_count; i++) {
		views[i] = layers[i]->view;
		size.unpacked_bytes += views[i]->archive->unpacked_bytes;
	}
	if (r == 0)
		r = check_folders(slots, views, of->layer_count, &size.has_too_many_folders);
	for (size_t i = 0; i < LIMIT_LAYERS; i++)
		release_put(layers[i]);
	if (r == 0)
		*ret = size;
	return r;
}

/* 0, -EIO (recorded) or -ENOMEM. */
static int read_whole(struct release *layer)
{
	char *buffer = malloc(READ_BYTES);
	uint64_t at = 0, size = release_file_size(layer);
	ssize_t got = buffer ? release_load_view(layer) : -ENOMEM;
	while (got >= 0 && at < size) {
		got = release_read(layer, buffer, READ_BYTES, at);
		at += got > 0 ? (uint64_t)got : 0;
	}
	free(buffer);
	return got < 0 ? (int)got : 0;
}

int layers_read_whole(struct slots *slots, const struct store_release *of, const struct store_layer **ret_bad)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < of->layer_count; i++) {
		struct release *layer;
		r = release_of_layer(slots, &of->layers[i], &layer);
		if (r < 0)
			return r;
		r = read_whole(layer);
		if (is_bad(layer, r))
			*ret_bad = &of->layers[i];
		release_put(layer);
	}
	return r;
}

void layers_refuse_damaged(const struct store_layer *layer, struct gate_decision *decision)
{
	const struct policy_verdict damaged = {
		.reason = POLICY_VF1002_INTEGRITY,
		.deciding = POLICY_INTEGRITY,
		.detail = "what the store has of it is damaged",
		.remedy = "publish the same layer again, which makes this version whole, too",
	};
	char name[GATE_LAYER_NAME_SIZE];
	gate_print_layer(layer->layer, layer->version, name);
	decision->verdict.outcome = POLICY_ACCEPTED;
	policy_add_layer(name, &damaged, &decision->verdict);
}

int layers_judge_artifact(struct slot *slot, const struct trust *trust, const struct slot_rules *rules,
			  const struct gate_artifact *artifact, const struct store_release *of,
			  struct gate_decision *ret)
{
	struct gate_artifact with = *artifact;
	const struct store_layer *bad = NULL;
	struct layers_size size = {0};
	int r = 0;
	if (of) {
		with.layers = of->layers;
		with.layer_count = of->layer_count;
		r = layers_measure(slot->slots, of, &size, &bad);
		with.layers_unpacked_bytes = size.unpacked_bytes;
	}
	if (r < 0 && !bad)
		return r;
	r = gate_judge(trust, rules->rules, POLICY_ON_DEPLOYMENT, &with, false, ret);
	if (r < 0 || ret->verdict.outcome == POLICY_REFUSED)
		return r;
	if (bad)
		layers_refuse_damaged(bad, ret);
	else if (size.has_too_many_folders)
		policy_refuse_folders(slot->slots->opt_folders_max, &ret->verdict);
	return 0;
}
