/* The layer versions of a function's release, in memory: one struct each, shared by all releases that have it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "internal.h"

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

int release_find_layers(struct release *release)
{
	const struct store_release *record = release->record;
	for (size_t i = 0; i < record->layer_count; i++) {
		int r = release_of_layer(release->slots, &record->layers[i], &release->layers[i]);
		if (r < 0)
			return r;
		release->layer_count++;
	}
	return 0;
}

int layers_unpacked(struct slots *slots, const struct store_release *of, uint64_t *ret_bytes,
		    const struct store_layer **ret_bad)
{
	uint64_t total = 0;
	int r = 0;
	for (size_t i = 0; r == 0 && i < of->layer_count; i++) {
		struct release *layer;
		r = release_of_layer(slots, &of->layers[i], &layer);
		if (r < 0)
			return r;
		r = release_load_view(layer);
		if (r == 0)
			total += layer->view->archive->unpacked_bytes;
		else if (r != -ENOMEM)
			*ret_bad = &of->layers[i];
		release_put(layer);
	}
	if (r == 0)
		*ret_bytes = total;
	return r;
}

void layers_refuse_damaged(const struct store_layer *layer, struct gate_decision *decision)
{
	const struct policy_verdict damaged = {
		.reason = POLICY_VF1002_INTEGRITY,
		.deciding = POLICY_INTEGRITY,
		.detail = "what the store has of it is damaged",
		.remedy = "publish the layer again, and name the new version in the function's file layers",
	};
	char name[GATE_LAYER_NAME_SIZE];
	gate_print_layer(layer->layer, layer->version, name);
	decision->verdict.outcome = POLICY_ACCEPTED;
	policy_add_layer(name, &damaged, &decision->verdict);
}

int layers_judge_artifact(struct slot *slot, const struct trust *trust, const struct gate_artifact *artifact,
			  const struct store_release *of, struct gate_decision *ret)
{
	struct gate_artifact with = *artifact;
	const struct store_layer *bad = NULL;
	int r = 0;
	if (of) {
		with.layers = of->layers;
		with.layer_count = of->layer_count;
		r = layers_unpacked(slot->slots, of, &with.layers_unpacked_bytes, &bad);
	}
	if (r == -ENOMEM)
		return r;
	const struct config_slot *section = slot_section(trust, slot);
	r = gate_judge(trust, section->code_signing, POLICY_ON_DEPLOYMENT, &with, false, ret);
	if (r == 0 && bad && ret->verdict.outcome != POLICY_REFUSED)
		layers_refuse_damaged(bad, ret);
	return r;
}
