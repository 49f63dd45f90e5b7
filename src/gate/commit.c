/*
 * commit.c - from a verdict to a release, or to a layer version. Order: audit record, durable (I3) -> object -> release
 * record -> current (I2). Whatever fails on the way leaves the old release in service.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "gate/gate.h"

/* An audit record of a decision; the texts that it points to live in here, too. */
struct entry {
	struct audit_record record;
	char slot[STORE_SLOT_PATH_SIZE];
	char tree_sha256[CRYPTO_SHA256_HEX_SIZE];
	char layers[GATE_LAYERS_TEXT_SIZE];
};

void gate_print_layers(const struct gate_decision *decision, char ret[GATE_LAYERS_TEXT_SIZE])
{
	const size_t size = GATE_LAYERS_TEXT_SIZE;
	size_t used = 0;
	ret[0] = '\0';
	for (size_t i = 0; i < decision->layer_count && used < size; i++) {
		const struct gate_layer *layer = &decision->layers[i];
		bool objected = layer->verdict.reason != POLICY_REASON_NONE;
		char name[GATE_LAYER_NAME_SIZE];
		gate_print_layer(layer->name, layer->version, name);
		int len = snprintf(ret + used, size - used, "%s%s %s%s%s", i > 0 ? ", " : "", name,
				   policy_outcome_name(layer->verdict.outcome), objected ? " " : "",
				   objected ? policy_reason_info(layer->verdict.reason)->code : "");
		used += len > 0 ? (size_t)len : 0;
	}
}

static void describe(const struct gate_deployment *deployment, const struct gate_decision *decision, struct entry *ret)
{
	const struct signature_facts *s = &decision->facts;
	bool has_statement = s->form == SIGNATURE_NATIVE && s->integrity == SIGNATURE_GOOD;

	memset(ret, 0, sizeof(*ret));
	(void)store_slot_path(deployment->function, ret->slot);
	if (decision->length_bytes > 0)
		text_hex(decision->tree_sha256, sizeof(decision->tree_sha256), ret->tree_sha256);
	gate_print_layers(decision, ret->layers);
	ret->record = (struct audit_record){
		.event = store_is_layer(deployment->function) ? AUDIT_PUBLICATION : AUDIT_DEPLOYMENT,
		.who = deployment->who,
		.slot = ret->slot,
		.artifact = deployment->artifact_name,
		.rollback_to = deployment->rollback_to,
		.size_bytes = decision->size_bytes,
		.verified_us = decision->verified_us,
		.tree_sha256 = ret->tree_sha256[0] ? ret->tree_sha256 : NULL,
		.layers = ret->layers[0] ? ret->layers : NULL,
		.config = decision->config_name,
		.config_sha256 = decision->config_sha256[0] ? decision->config_sha256 : NULL,
		.verdict = &decision->verdict,
		.statement = has_statement ? &s->statement : NULL,
		.timestamp_s = has_statement && s->timestamp == SIGNATURE_GOOD ? s->timestamp_s : 0,
		.break_glass = decision->break_glass.seq,
		.detail = decision->verdict.detail[0] ? decision->verdict.detail : NULL,
	};
}

void gate_record_refusal(struct audit *audit, const struct gate_deployment *deployment, uint64_t kept_release,
			 struct gate_decision *decision)
{
	struct entry entry;
	describe(deployment, decision, &entry);
	entry.record.kept_release = kept_release;
	entry.record.errno_given = policy_verdict_errno(&decision->verdict, deployment->errno_style);
	int r = audit_append(audit, &entry.record, &decision->event);
	if (r < 0)
		log_error("the refusal of an artifact for %s could not be recorded: %s", entry.slot, strerror(-r));
}

static void record_failure(struct audit *audit, const struct gate_deployment *deployment,
			   struct gate_decision *decision, uint64_t release, int error)
{
	struct entry entry;
	struct explain detail;
	describe(deployment, decision, &entry);
	explain_set(&detail, "%s %llu was accepted and could not be committed: %s",
		    store_is_layer(deployment->function) ? "version" : "release", (unsigned long long)release,
		    strerror(error));
	entry.record.event = AUDIT_DEPLOYMENT_FAILED;
	entry.record.release = release;
	entry.record.verdict = NULL;
	entry.record.errno_given = error;
	entry.record.detail = detail.text;
	int r = audit_append(audit, &entry.record, &decision->event);
	if (r < 0)
		log_error("%s: %s; nor could that be recorded: %s", entry.slot, detail.text, strerror(-r));
}

/* The record of the release to be; its numbers are still free. */
static int make_release(struct store *store, const void *comment, size_t comment_len,
			const struct gate_deployment *deployment, const struct gate_decision *decision,
			struct store_release **ret)
{
	struct buf text = {0};
	uint64_t newest = 0;
	struct store_release *release = calloc(1, sizeof(*release));
	int r = release ? 0 : -ENOMEM;
	if (r == 0)
		r = store_newest_release(store, deployment->function, &newest);
	if (r == 0)
		r = store_next_id(store, &release->id);
	if (r == 0)
		r = gate_render_record(deployment, decision, &text);
	if (r < 0)
		goto out;

	r = -ENOMEM;
	release->number = newest + 1;
	release->artifact_name = strdup(deployment->artifact_name);
	release->comment = malloc(comment_len + 1);
	release->decision = buf_steal(&text);
	if (!release->artifact_name || !release->comment || !release->decision)
		goto out;
	if (comment_len > 0)
		memcpy(release->comment, comment, comment_len);
	release->comment_len = comment_len;
	memcpy(release->digest, decision->tree_sha256, sizeof(release->digest));
	release->length_bytes = decision->length_bytes;
	release->mtime_s = deployment->mtime_s;
	release->mtime_ns = deployment->mtime_ns;
	release->uid = deployment->uid;
	release->created_at_s = clock_now_s();
	r = deployment->layers_of ? store_release_copy_layers(release, deployment->layers_of) : 0;
	if (r < 0)
		goto out;
	*ret = release;
	release = NULL;
out:
	store_release_free(release);
	buf_done(&text);
	return r;
}

/* Object, then record. The object has to be what was judged (I1). */
static int put(struct store *store, struct store_stage *stage, const char *function,
	       const struct store_release *release)
{
	struct store_object *object = NULL;
	int r = store_put_object(store, stage, release->length_bytes, function, &object);
	if (r < 0)
		return r;
	if (memcmp(store_object_digest(object), release->digest, sizeof(release->digest)) == 0) {
		r = store_commit_release(store, function, release);
	} else {
		store_discard_object(store, function, object);
		r = -EBADMSG;
	}
	store_object_unref(object);
	return r;
}

/* I1: what is committed is what was judged. */
static bool is_judged(const struct gate_decision *decision, const struct store_release *release)
{
	bool same = decision->layer_count == release->layer_count &&
		    memcmp(decision->tree_sha256, release->digest, sizeof(release->digest)) == 0;
	for (size_t i = 0; same && i < release->layer_count; i++)
		same = decision->layers[i].id == release->layers[i].id &&
		       memcmp(decision->layers[i].tree_sha256, release->layers[i].digest,
			      sizeof(release->layers[i].digest)) == 0;
	return same;
}

/* stage: NULL when the object is there. */
static int commit(struct store *store, struct audit *audit, struct store_stage *stage, const void *comment,
		  size_t comment_len, const struct gate_deployment *deployment, struct gate_decision *decision,
		  struct store_release **ret)
{
	struct store_release *release = NULL;
	int r = make_release(store, comment, comment_len, deployment, decision, &release);
	if (r < 0)
		return r;

	ASSERT(is_judged(decision, release));
	struct entry entry;
	describe(deployment, decision, &entry);
	entry.record.release = release->number;
	if (deployment->rollback_told) {
		entry.record.event = AUDIT_POLICY_ROLLED_BACK;
		entry.record.detail = deployment->rollback_told;
	}
	bool late = io_has_bug("wrong-order");
	if (!late)
		r = audit_append(audit, &entry.record, &decision->event);
	if (r == 0) {
		r = stage ? put(store, stage, deployment->function, release)
			  : store_commit_release(store, deployment->function, release);
		if (r < 0)
			record_failure(audit, deployment, decision, release->number, -r);
	}
	if (r == 0 && late)
		r = audit_append(audit, &entry.record, &decision->event);
	if (r == 0) {
		*ret = release;
		release = NULL;
	}
	store_release_free(release);
	return r;
}

int gate_commit(struct store *store, struct audit *audit, struct store_stage *stage, const void *comment,
		size_t comment_len, const struct gate_deployment *deployment, struct gate_decision *decision,
		struct store_release **ret)
{
	ASSERT(decision->verdict.outcome != POLICY_REFUSED && decision->tail_known && stage);
	return commit(store, audit, stage, comment, comment_len, deployment, decision, ret);
}

int gate_commit_again(struct store *store, struct audit *audit, const struct store_release *artifact,
		      const struct gate_deployment *deployment, struct gate_decision *decision,
		      struct store_release **ret)
{
	ASSERT(decision->verdict.outcome != POLICY_REFUSED);
	if (decision->length_bytes != artifact->length_bytes ||
	    memcmp(decision->tree_sha256, artifact->digest, sizeof(artifact->digest)) != 0)
		return -EBADMSG; /* I1 */
	struct gate_deployment again = *deployment;
	again.artifact_name = artifact->artifact_name;
	again.mtime_s = artifact->mtime_s;
	again.mtime_ns = artifact->mtime_ns;
	if (deployment->rollback_to == 0)
		again.uid = artifact->uid;
	return commit(store, audit, NULL, artifact->comment, artifact->comment_len, &again, decision, ret);
}
