/*
 * Where writing a function's list of layers differs from deploying an artifact: what is judged is the artifact that is
 * there with the layers that the list names, and what is committed is that artifact as a new release. Without an
 * artifact the list waits for one (waiting_list.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "layer_list.h"
#include "upload.h"
#include "waiting_list.h"

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
	const struct release *there = current ? current : upload->slot->waiting_list;
	if (upload_is_list_locked(upload))
		return upload->beside == current;
	if (release_is_waiting_list(upload->beside) || release_is_waiting_list(there))
		return upload->beside == there;
	return have_same_layers(upload->beside, current);
}

const struct store_release *upload_layers_locked(const struct upload *upload)
{
	if (upload_is_list_locked(upload) || release_is_waiting_list(upload->beside))
		return upload->list;
	return upload->beside ? upload->beside->record : NULL;
}

/* ---- reading a list ---- */

/* A verdict before anything is judged. */
static void begin(struct upload *upload, const struct trust *trust)
{
	struct gate_decision *d = upload->decision;
	const struct config_slot *section = slot_section(trust, upload->slot);
	memset(d, 0, sizeof(*d));
	d->decided_at_s = clock_now_s();
	d->trust_generation = trust->generation;
	d->size_bytes = store_stage_size(upload->stage);
	(void)snprintf(d->config_name, sizeof(d->config_name), "%s",
		       section && section->code_signing ? section->code_signing->name : "none");
}

static void refuse_too_long(struct gate_decision *decision)
{
	policy_refuse(POLICY_VF4002_TOO_MANY, "the file " LAYER_LIST_NAME " is far longer than any list of layers",
		      "write one layer version a line, as tools:3, and at most five", &decision->verdict);
}

/* Fills upload->list, or refuses. */
static int take_list(struct upload *upload, const struct trust *trust, const char *text, size_t len,
		     const struct layer_user *user)
{
	struct policy_verdict refusal = {.outcome = POLICY_ACCEPTED};
	const struct layer_list_request request = {
		.store = upload->slots->store, .trust = trust, .text = text, .len = len, .user = user};
	store_release_free(upload->list);
	upload->list = calloc(1, sizeof(*upload->list));
	int r = upload->list ? layer_list_take(&request, upload->list, &refusal) : -ENOMEM;
	upload->decision->verdict = refusal;
	return r;
}

static int read_list(struct upload *upload, const struct trust *trust)
{
	char text[LIMIT_LAYER_LIST_BYTES + 1];
	if (store_stage_size(upload->stage) > LIMIT_LAYER_LIST_BYTES) {
		refuse_too_long(upload->decision);
		return 0;
	}
	ssize_t got = store_stage_read(upload->stage, text, sizeof(text) - 1, 0);
	if (got < 0)
		return (int)got;
	text[got] = '\0';
	return take_list(upload, trust, text, (size_t)got, &upload->user);
}

/* ---- an artifact ---- */

/* Who may use the layers was asked when the list was written; whether they are still there is asked now. */
static int take_waiting_list(struct upload *upload, const struct trust *trust)
{
	const struct store_release *waiting = upload->beside->record;
	struct layer_user own = {0};
	(void)snprintf(own.account, sizeof(own.account), "%s", trust->config->account);
	begin(upload, trust);
	int r = take_list(upload, trust, waiting->layers_text, strlen(waiting->layers_text), &own);
	if (r < 0 || upload->decision->verdict.outcome == POLICY_REFUSED)
		return r;
	upload->list->layers_mtime_s = waiting->layers_mtime_s;
	upload->list->layers_mtime_ns = waiting->layers_mtime_ns;
	upload->list->layers_uid = waiting->layers_uid;
	return 0;
}

int upload_judge_artifact_locked(struct upload *upload, const struct trust *trust, const struct slot_rules *rules)
{
	set_beside(upload, slot_layered(upload->slot));
	if (release_is_waiting_list(upload->beside)) {
		int r = take_waiting_list(upload, trust);
		if (r < 0 || upload->decision->verdict.outcome == POLICY_REFUSED)
			return r;
	}
	const struct gate_artifact artifact = upload_artifact_locked(upload);
	return layers_judge_artifact(upload->slot, trust, rules, &artifact, upload_layers_locked(upload),
				     upload->decision);
}

/* ---- the list ---- */

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

/* Somebody may have removed it since the list was read, and its bytes with it. */
static bool is_removed(struct release *layer)
{
	lock_take(&layer->slots->lock);
	bool is_removed = !layer->listed;
	lock_drop(&layer->slots->lock);
	return is_removed && atomic_load(&layer->slot->loaded);
}

/* While we have them, their bytes stay readable. Refuses where one is gone. */
static int hold_layers(struct upload *upload, struct release *layers[LIMIT_LAYERS])
{
	const struct store_release *list = upload->list;
	int r = 0;
	for (size_t i = 0; r == 0 && i < list->layer_count; i++) {
		char name[GATE_LAYER_NAME_SIZE];
		r = release_of_layer(upload->slots, &list->layers[i], &layers[i]);
		if (r < 0 || !is_removed(layers[i]))
			continue;
		gate_print_layer(list->layers[i].layer, list->layers[i].version, name);
		layer_list_refuse_absent((unsigned)i + 1, name, &upload->decision->verdict);
		break;
	}
	return r;
}

/* Every block of the layers is read: what is attached is there, whole. Also those of a list that waits: what is wrong
 * with them is better said at once. */
static int measure_held(struct upload *upload, struct layers_size *ret)
{
	const struct store_layer *bad = NULL;
	int r = layers_read_whole(upload->slots, upload->list, &bad);
	if (r == 0)
		r = layers_measure(upload->slots, upload->list, ret, &bad);
	if (bad)
		layers_refuse_damaged(bad, upload->decision);
	else if (r == 0 && ret->has_too_many_folders)
		policy_refuse_folders(upload->slots->opt_folders_max, &upload->decision->verdict);
	return bad ? 0 : r;
}

static bool is_refused(const struct upload *upload)
{
	return upload->decision->verdict.outcome == POLICY_REFUSED;
}

static int measure(struct upload *upload, struct layers_size *ret)
{
	struct release *layers[LIMIT_LAYERS] = {NULL};
	int r = hold_layers(upload, layers);
	if (r == 0 && !is_refused(upload))
		r = measure_held(upload, ret);
	for (size_t i = 0; i < LIMIT_LAYERS; i++)
		release_put(layers[i]);
	return r;
}

static int judge_with_layers(struct upload *upload, const struct trust *trust, const struct slot_rules *rules)
{
	struct gate_decision *decision = upload->decision;
	const struct store_release release = with_layers(upload->beside->record, upload->list);
	struct layers_size size = {0};
	int r = gate_judge_release(trust, rules->rules, POLICY_ON_DEPLOYMENT, &release, decision);
	if (r == 0 && !is_refused(upload))
		r = measure(upload, &size);
	if (r < 0 || is_refused(upload))
		return r;
	r = release_load_view(upload->beside);
	if (r == -EIO && release_is_damaged(upload->beside)) {
		policy_refuse(POLICY_VF1002_INTEGRITY, "what the store has of the function's artifact is damaged",
			      "deploy the artifact again, then write layers again", &decision->verdict);
		return 0;
	}
	if (r == 0)
		policy_limit_unpacked(size.unpacked_bytes + upload->beside->view->archive->unpacked_bytes,
				      trust->config->max_unpacked_bytes, &decision->verdict);
	return r;
}

static int judge_waiting(struct upload *upload, const struct trust *trust)
{
	struct layers_size size = {0};
	int r = measure(upload, &size);
	if (r == 0 && !is_refused(upload))
		policy_limit_unpacked(size.unpacked_bytes, trust->config->max_unpacked_bytes,
				      &upload->decision->verdict);
	return r;
}

int upload_judge_list_locked(struct upload *upload, const struct trust *trust, const struct slot_rules *rules)
{
	set_beside(upload, slot_current(upload->slot));
	begin(upload, trust);
	int r = read_list(upload, trust);
	if (r < 0 || is_refused(upload))
		return r;
	return upload->beside ? judge_with_layers(upload, trust, rules) : judge_waiting(upload, trust);
}

/* ---- what need not be committed ---- */

static void stamp_list(struct store_release *list, const struct gate_deployment *deployment)
{
	list->layers_mtime_s = deployment->mtime_s;
	list->layers_mtime_ns = deployment->mtime_ns;
	list->layers_uid = deployment->uid;
}

/* The upload is a copy of that from now on. An empty list that nothing is left of stays what it is. */
static void become(struct upload *upload, struct release *release, struct release **ret_before)
{
	if (!release)
		return;
	upload_drop_stage_locked(upload);
	*ret_before = upload->origin;
	upload->origin = release_ref(release);
	upload->origin_is_list = true;
}

static bool has_list(const struct store_release *release, const struct store_release *list)
{
	const char *a = release->layers_text ? release->layers_text : "",
		   *b = list->layers_text ? list->layers_text : "";
	bool same = strcmp(a, b) == 0 && release->layer_count == list->layer_count;
	for (size_t i = 0; same && i < list->layer_count; i++)
		same = release->layers[i].id == list->layers[i].id;
	return same;
}

/* The same list again: only its times and its writer are other ones. */
static int keep_list_locked(struct upload *upload, const struct gate_deployment *deployment)
{
	struct slot *slot = upload->slot;
	struct policy_verdict *verdict = &upload->decision->verdict;
	lock_take(&slot->slots->lock);
	stamp_list(slot->current->record, deployment);
	lock_drop(&slot->slots->lock);
	int r = store_update_release(slot->slots->store, slot->name, slot->current->record);
	if (r < 0)
		return r;
	if (verdict->detail[0] == '\0')
		(void)snprintf(verdict->detail, sizeof(verdict->detail), "nothing new, release %llu has these layers",
			       (unsigned long long)slot->current->record->number);
	slot_set_note_locked(slot, deployment, upload->decision, slot->current->record->number);
	return 0;
}

static int wait_locked(struct upload *upload, const struct gate_deployment *deployment)
{
	stamp_list(upload->list, deployment);
	int r = waiting_list_keep_locked(upload->slot, upload->list);
	if (r == 0 && upload->slot->waiting_list)
		slot_set_waiting_note_locked(upload->slot, deployment);
	else if (r == 0)
		slot_clear_note_locked(upload->slot);
	return r;
}

int upload_settle_list_locked(struct upload *upload, const struct gate_deployment *deployment, bool *ret_is_settled,
			      struct release **ret_before)
{
	struct slot *slot = upload->slot;
	int r = 0;
	if (slot->current && !has_list(slot->current->record, upload->list))
		return 0;
	r = slot->current ? keep_list_locked(upload, deployment) : wait_locked(upload, deployment);
	if (r < 0) {
		slot_set_failure_note_locked(slot, deployment, 0, r);
		return r;
	}
	become(upload, slot->current ? slot->current : slot->waiting_list, ret_before);
	*ret_is_settled = true;
	return 0;
}

int upload_commit_list_locked(struct upload *upload, const struct gate_deployment *deployment,
			      struct store_release **ret)
{
	struct slots *slots = upload->slots;
	struct gate_deployment with = *deployment;
	struct store_release *list = upload->list;
	stamp_list(list, deployment);
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
