/*
 * Where writing a function's list of layers differs from deploying an artifact: what is judged is the artifact that is
 * there with the layers that the list names, and what is committed is that artifact as a new release.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "layer_list.h"
#include "upload.h"

bool upload_is_list_locked(const struct upload *upload)
{
	return upload->identity.is_final && slot_is_list_name(upload->slot, upload->identity.name);
}

bool upload_completes_list(const void *bytes, size_t len)
{
	return len > 0 && ((const char *)bytes)[len - 1] == '\n';
}

/* ---- the artifact that is there ---- */

/* The one before is put when no slot lock is held: it may be the last that keeps the release. */
static void set_beside(struct upload *upload, struct release *beside)
{
	ASSERT(!upload->past);
	upload->past = upload->beside;
	upload->beside = beside;
}

void upload_forget_past_locked(struct upload *upload)
{
	release_put(upload->past);
	upload->past = NULL;
}

static bool have_same_layers(const struct release *a, const struct release *b)
{
	size_t a_count = a ? a->record->layer_count : 0, b_count = b ? b->record->layer_count : 0;
	bool same = a_count == b_count;
	for (size_t i = 0; same && i < a_count; i++)
		same = a->record->layers[i].id == b->record->layers[i].id;
	return same;
}

bool upload_stands_locked(const struct upload *upload)
{
	const struct release *current = upload->slot->current;
	return upload_is_list_locked(upload) ? upload->beside == current : have_same_layers(upload->beside, current);
}

const struct store_release *upload_layers_locked(const struct upload *upload)
{
	if (upload_is_list_locked(upload))
		return upload->list;
	return upload->beside ? upload->beside->record : NULL;
}

int upload_judge_artifact_locked(struct upload *upload, const struct trust *trust)
{
	set_beside(upload, slot_current(upload->slot));
	const struct store_release *beside = upload->beside ? upload->beside->record : NULL;
	const struct gate_artifact artifact = {.file = store_stage_reader(upload->stage), .stage = upload->stage};
	return layers_judge_artifact(upload->slot, trust, &artifact, beside, upload->decision);
}

/* ---- the list ---- */

/* A verdict before anything is judged. */
static void begin(struct upload *upload, const struct trust *trust, const struct config_code_signing *rules)
{
	struct gate_decision *d = upload->decision;
	memset(d, 0, sizeof(*d));
	d->decided_at_s = clock_now_s();
	d->trust_generation = trust->generation;
	d->size_bytes = store_stage_size(upload->stage);
	(void)snprintf(d->config_name, sizeof(d->config_name), "%s", rules ? rules->name : "none");
}

static void refuse_too_long(struct gate_decision *decision)
{
	policy_refuse(POLICY_VF4002_TOO_MANY, "the file " LAYER_LIST_NAME " is far longer than any list of layers",
		      "write one layer version a line, as tools:3, and at most five", &decision->verdict);
}

static void refuse_without_artifact(struct gate_decision *decision)
{
	policy_refuse(POLICY_VF4001_NO_SLOT, "the function has no artifact yet that could be used with layers",
		      "deploy its artifact first, then write " LAYER_LIST_NAME " again (run rsync once more)",
		      &decision->verdict);
}

/* Fills upload->list, or refuses. */
static int read_list(struct upload *upload, const struct trust *trust)
{
	char text[LIMIT_LAYER_LIST_BYTES + 1];
	uint64_t size = store_stage_size(upload->stage);
	struct policy_verdict refusal = {.outcome = POLICY_ACCEPTED};
	if (size > LIMIT_LAYER_LIST_BYTES) {
		refuse_too_long(upload->decision);
		return 0;
	}
	ssize_t got = store_stage_read(upload->stage, text, sizeof(text) - 1, 0);
	if (got < 0)
		return (int)got;
	text[got] = '\0';
	const struct layer_list_request request = {
		.store = upload->slots->store,
		.trust = trust,
		.text = text,
		.len = (size_t)got,
		.user = &upload->user,
	};
	store_release_free(upload->list);
	upload->list = calloc(1, sizeof(*upload->list));
	int r = upload->list ? layer_list_take(&request, upload->list, &refusal) : -ENOMEM;
	upload->decision->verdict = refusal;
	return r;
}

/* The artifact with other layers, as the gate judges it; nothing in it is owned. Times are not looked at. */
static struct store_release with_layers(const struct store_release *artifact, const struct store_release *list)
{
	struct store_release release = {
		.length_bytes = artifact->length_bytes,
		.comment = artifact->comment,
		.comment_len = artifact->comment_len,
		.layer_count = list->layer_count,
	};
	memcpy(release.digest, artifact->digest, sizeof(release.digest));
	memcpy(release.layers, list->layers, sizeof(release.layers));
	return release;
}

static int judge_with_layers(struct upload *upload, const struct trust *trust, const struct config_code_signing *rules)
{
	struct gate_decision *decision = upload->decision;
	const struct store_release release = with_layers(upload->beside->record, upload->list);
	const struct store_layer *bad = NULL;
	uint64_t unpacked = 0;
	int r = gate_judge_release(trust, rules, POLICY_ON_DEPLOYMENT, &release, decision);
	if (r < 0 || decision->verdict.outcome == POLICY_REFUSED)
		return r;
	r = layers_unpacked(upload->slots, upload->list, &unpacked, &bad);
	if (r < 0) {
		if (bad)
			layers_refuse_damaged(bad, decision);
		return bad ? 0 : r;
	}
	r = release_load_view(upload->beside);
	if (r == 0)
		policy_limit_unpacked(unpacked + upload->beside->view->archive->unpacked_bytes,
				      trust->config->max_unpacked_bytes, &decision->verdict);
	return r;
}

int upload_judge_list_locked(struct upload *upload, const struct trust *trust, const struct config_code_signing *rules)
{
	struct gate_decision *decision = upload->decision;
	set_beside(upload, slot_current(upload->slot));
	begin(upload, trust, rules);
	int r = read_list(upload, trust);
	if (r < 0 || decision->verdict.outcome == POLICY_REFUSED)
		return r;
	if (!upload->beside) {
		refuse_without_artifact(decision);
		return 0;
	}
	return judge_with_layers(upload, trust, rules);
}

int upload_commit_list_locked(struct upload *upload, const struct gate_deployment *deployment,
			      struct store_release **ret)
{
	struct slots *slots = upload->slots;
	struct gate_deployment with = *deployment;
	struct store_release *list = upload->list;
	list->layers_mtime_s = deployment->mtime_s;
	list->layers_mtime_ns = deployment->mtime_ns;
	list->layers_uid = deployment->uid;
	with.layers_of = list;
	return gate_commit_again(slots->store, slots->audit, upload->slot->current->record, &with, upload->decision,
				 ret);
}

int layers_remove(struct slot *slot, const struct slots_caller *caller)
{
	struct upload *upload = NULL;
	int r = upload_new(slot->slots, slot, LAYER_LIST_NAME, true, &caller->who, NULL, &upload);
	if (r == 0)
		r = upload_finish_as(upload, LAYER_LIST_NAME, &caller->who);
	upload_put(upload);
	return r;
}
