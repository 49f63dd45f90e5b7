/* A mount's life: open, drain, close. */
#include "slots/slots.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "archive/zip_sums.h"
#include "audit/say.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "bindings.h"
#include "deploy.h"
#include "internal.h"
#include "metrics.h"
#include "release_grace.h"

/* ---- open ---- */

static int add_slot_locked(struct slots *slots, const char *prefix, const char *name)
{
	struct slot *slot;
	char slot_name[sizeof(STORE_LAYER_PREFIX) + LIMIT_FUNCTION_NAME_BYTES];
	(void)snprintf(slot_name, sizeof(slot_name), "%s%s", prefix, name);
	HASH_FIND_STR(slots->by_name, slot_name, slot);
	return slot ? 0 : slot_add(slots, slot_name, &slot);
}

int slots_add_declared_locked(struct slots *slots, const struct config *config)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < config->function_count; i++)
		if (!config->functions[i].is_pattern)
			r = add_slot_locked(slots, "", config->functions[i].name);
	for (size_t i = 0; r == 0 && i < config->layer_count; i++)
		if (!config->layers[i].is_pattern)
			r = add_slot_locked(slots, STORE_LAYER_PREFIX, config->layers[i].name);
	return r;
}

typedef int list_names(struct store *store, char ***ret, size_t *ret_count);

static int add_stored(struct slots *slots, list_names *list, const char *prefix)
{
	char **names = NULL;
	size_t count = 0;
	int r = list(slots->store, &names, &count);
	lock_take(&slots->lock);
	for (size_t i = 0; i < count; i++) {
		if (r == 0)
			r = add_slot_locked(slots, prefix, names[i]);
		free(names[i]);
	}
	lock_drop(&slots->lock);
	free(names);
	return r;
}

static bool is_slot_name(const char *name)
{
	return config_is_function_name(store_is_layer(name) ? name + strlen(STORE_LAYER_PREFIX) : name);
}

/* Those that a daemon before had come first, and have the indexes that they had. */
static int add_left(struct slots *slots)
{
	char name[TREE_NAME_SIZE];
	int r = 0;
	lock_take(&slots->lock);
	for (size_t i = 0; r == 0 && i < tree_names_left_count(slots->names); i++) {
		struct slot *slot;
		bool was_touched;
		r = slot_add(slots, tree_names_left(slots->names, i, name, &was_touched), &slot);
		if (r < 0)
			break;
		slot->was_touched = slot->is_touched = was_touched;
		slot->was_renaming = tree_names_left_renaming(slots->names, i);
	}
	lock_drop(&slots->lock);
	tree_names_drop_left(slots->names);
	return r;
}

static int add_slots(struct slots *slots)
{
	int r = add_left(slots);
	lock_take(&slots->lock);
	if (r == 0)
		r = slots_add_declared_locked(slots, slots->trust->config);
	lock_drop(&slots->lock);
	if (r == 0)
		r = add_stored(slots, store_list_functions, "");
	if (r == 0)
		r = add_stored(slots, store_list_layers, STORE_LAYER_PREFIX);
	if (r == 0)
		inherit_begin(slots);
	return r;
}

static int say(struct buf *errors, const char *what, int error)
{
	if (errors->len == 0)
		(void)buf_printf(errors, "%s: %s\n", what, strerror(-error));
	return error;
}

static int say_why(struct buf *errors, const char *what, const struct explain *why, int error)
{
	if (errors->len == 0 && why->text[0])
		(void)buf_printf(errors, "%s: %s\n", what, why->text);
	return say(errors, what, error);
}

static int open_store(struct slots *slots, const struct slots_options *told, const struct config *config,
		      struct buf *ret_errors)
{
	struct explain why = {0};
	const struct store_options options = {
		.path = config->store,
		.durable = config->durable,
		.create = true,
		.anchor = config->anchor,
		.sum = zip_sum,
	};
	if (told->store && strcmp(told->store, config->store) != 0) {
		(void)buf_puts(ret_errors, SLOTS_OTHER_STORE "\n");
		return -EINVAL;
	}
	int r = store_open(&options, &slots->store, &why);
	if (r < 0 && why.text[0]) /* which names the store */
		(void)buf_printf(ret_errors, "%s\n", why.text);
	if (r < 0)
		return say(ret_errors, "store", r == -EINVAL ? -EIO : r); /* -EINVAL is for the configuration */
	r = audit_open(store_audit_dirfd(slots->store), config->durable, &slots->audit, &why);
	if (r < 0)
		return say_why(ret_errors, "audit log", &why, r == -EINVAL ? -EIO : r);
	r = events_new(slots->audit, store_audit_dirfd(slots->store), &slots->events);
	if (r == 0)
		r = audit_say_all(slots->audit);
	if (r == 0)
		r = slots_metrics_new(slots, &slots->metrics);
	return r == 0 && told->tell ? audit_listen(slots->audit, told->tell, told->tell_ctx) : r;
}

static int record_event(struct slots *slots, enum audit_event event, const char *detail)
{
	struct audit_record record = {.event = event, .detail = detail};
	return audit_append(slots->audit, &record, NULL);
}

static int record_start(struct slots *slots)
{
	struct explain detail;
	if (!tree_names_is_heir(slots->names))
		return record_event(slots, AUDIT_START, slots->config_path);
	explain_set(&detail, "%s; daemon %u of this mount, which it takes over from one that %s", slots->config_path,
		    tree_names_incarnation(slots->names),
		    tree_names_was_handed_over(slots->names) ? "was asked to end" : "died");
	return record_event(slots, AUDIT_START, detail.text);
}

uint64_t slots_record(struct slots *slots, const struct audit_record *record)
{
	uint64_t seq = 0;
	int r = audit_append(slots->audit, record, &seq);
	if (r < 0)
		log_error("audit log: %s", strerror(-r));
	return seq;
}

/* "functions/main" of "functions/main/note"; "": of no slot. */
static void slot_of_place(const char *place, char ret[STORE_SLOT_PATH_SIZE])
{
	const char *slash = strchr(place, '/');
	const char *end = slash && !text_starts_with(place, "policy/") ? strchr(slash + 1, '/') : slash;
	(void)snprintf(ret, STORE_SLOT_PATH_SIZE, "%.*s", end ? (int)(end - place) : 0, place);
}

static void record_damage(void *ctx, const char *place, const char *what)
{
	char slot[STORE_SLOT_PATH_SIZE];
	struct explain detail;
	slot_of_place(place, slot);
	explain_set(&detail, "%s: the stored bytes are not what was put there; %s", place, what);
	const struct audit_record record = {
		.event = AUDIT_PAGE_CHECK, .slot = slot[0] ? slot : NULL, .detail = detail.text};
	(void)slots_record(ctx, &record);
}

static int open_all(struct slots *slots, const struct slots_options *options, struct buf *ret_errors)
{
	/* Once to learn where the store is, and again with what the store remembers of the revocation lists. */
	struct trust *first;
	int r = trust_load(slots->config_path, NULL, &first, ret_errors);
	if (r < 0)
		return say(ret_errors, slots->config_path, r);
	r = open_store(slots, options, first->config, ret_errors);
	trust_unref(first);
	if (r == 0)
		r = trust_load(slots->config_path, slots->store, &slots->trust, ret_errors);
	if (r < 0)
		return say(ret_errors, slots->config_path, r);

	slots->opt_folders_max = OPT_FOLDERS_MAX;
	slots->keep_releases = slots->trust->config->keep_releases;
	r = inflate_cache_new(slots->trust->config->inflate_cache_bytes, &slots->cache);
	if (r == 0)
		r = read_ahead_new(slots, &slots->ahead);
	if (r == 0)
		r = add_slots(slots);
	if (r == 0)
		r = record_start(slots);
	if (r == 0)
		store_listen(slots->store, record_damage, slots);
	if (r == 0)
		r = bindings_record_start(slots);
	if (r == 0)
		slots_tell_lists(slots, NULL, slots->trust);
	if (r == 0)
		policy_follow(slots);
	if (r == 0)
		slots_metrics_follow(slots->metrics);
	if (r == 0)
		tree_names_begin(slots->names);
	return r < 0 ? say(ret_errors, "start", r) : 0;
}

/* Uploads may not take the descriptors that reading and committing need; objects take an eighth (store_payloads.h). */
static void share_descriptors(struct slots *slots)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		limit.rlim_cur = 0;
	uint64_t all = limit.rlim_cur, others = all / 8 + LIMIT_DESCRIPTORS_OWN;
	slots->staging_max = all / 2;
	slots->upload_max = all > others ? all - others : 0;
	if (slots->upload_max > all / 4 * 3)
		slots->upload_max = all / 4 * 3;
}

static int open_names(struct slots *slots, const struct tree_memory *memory)
{
	int r = tree_names_open(memory, is_slot_name, &slots->names);
	if (r < 0)
		return r;
	slots->next_node = tree_names_first_node(slots->names);
	slots->first_index = tree_names_first_index(slots->names);
	return 0;
}

int slots_open(const struct slots_options *options, struct slots **ret, struct buf *ret_errors)
{
	struct slots *slots = calloc(1, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	lock_init(&slots->refresh_lock);
	lock_init(&slots->lock);
	inherit_init(&slots->inherited);
	ASSERT(pthread_cond_init(&slots->idle, NULL) == 0);
	int r = due_init(&slots->due);
	if (r == 0)
		r = slot_new(slots, STORE_POLICY_SLOT, SLOT_POLICY_INDEX, &slots->policy);
	if (r == 0)
		r = open_names(slots, &options->memory);
	slots->started = clock_now();
	share_descriptors(slots);
	slots->config_generation = 1;
	slots->config_loaded_at_s = slots->started.tv_sec;
	slots->administrator = options->administrator;
	drift_keeper_init(&slots->keeper, options->allow_other);
	slots->fetcher = options->fetcher;
	slots->config_path = strdup(options->config_path);
	slots->run_target = options->run_target ? strdup(options->run_target) : NULL;

	slots->unconfined = options->unconfined ? strdup(options->unconfined) : NULL;

	bool copied = slots->config_path && (slots->run_target || !options->run_target) &&
		      (slots->unconfined || !options->unconfined);
	if (r == 0)
		r = copied ? open_all(slots, options, ret_errors) : -ENOMEM;
	if (r < 0) {
		slots_close(slots);
		return r;
	}
	*ret = slots;
	return 0;
}

/* ---- close ---- */

static void drop_nodes(struct deploy_node *node)
{
	for (struct deploy_node *next; node; node = next) {
		next = node->hh.next;
		upload_put(node->upload);
		free(node);
	}
}

static void drop_slot(struct slot *slot)
{
	slot->files = NULL;
	struct release *current = slot->current;
	slot->current = NULL;
	release_put(current);
	release_put(slot->waiting_list);
	slot->waiting_list = NULL;
	struct release *grace = grace_take_locked(slot);
	for (struct release *release = grace; release; release = release->next_in_grace)
		release->removed = !slot->slots->is_handed_over;
	grace_put_all(grace);
	for (size_t i = 0; i < slot->listed_count; i++)
		release_put(slot->listed[i]);
	slot->listed_count = 0;
}

/* Who serves the connection next finds them in the store. */
static void keep_records(struct slots *slots)
{
	struct release *release, *next;
	HASH_ITER(hh, slots->releases, release, next)
	release->removed = false;
}

/* The kernel's references end with the connection. Functions' go first: they have references to their layers'. */
static void drop_releases(struct slots *slots)
{
	struct release *release, *next;
	if (slots->is_handed_over)
		keep_records(slots);
	HASH_ITER(hh, slots->releases, release, next)
	release->refs = release->slot->is_layer ? release->refs + 1 : 1;
	HASH_ITER(hh, slots->releases, release, next)
	if (!release->slot->is_layer)
		release_put(release);
	HASH_ITER(hh, slots->releases, release, next)
	{
		release->refs = 1;
		release_put(release);
	}
}

void slots_close(struct slots *slots)
{
	if (!slots)
		return;
	inherit_end(slots);
	read_ahead_free(slots->ahead);
	slots_metrics_end(slots->metrics);
	if (slots->trust && slots->audit && record_event(slots, AUDIT_STOP, NULL) < 0)
		log_error("audit log: the stop could not be recorded");

	struct deploy_node *nodes = slots->nodes;
	HASH_CLEAR(hh, slots->nodes); /* frees the table, not what is in it */
	drop_nodes(nodes);
	for (size_t i = 0; i < slots->slot_count; i++)
		drop_slot(slots->list[i]);
	if (slots->policy)
		drop_slot(slots->policy);
	drop_releases(slots);
	HASH_CLEAR(hh_id, slots->by_id);
	HASH_CLEAR(hh, slots->by_name);
	for (size_t i = 0; i < slots->slot_count; i++)
		slot_free(slots->list[i]);
	slot_free(slots->policy);
	free(slots->list);
	inflate_cache_free(slots->cache);
	audit_close(slots->audit);
	events_free(slots->events);
	slots_metrics_free(slots->metrics);
	store_close(slots->store);
	trust_unref(slots->trust);
	trust_unref(slots->followed);
	due_done(&slots->due);
	drift_keeper_done(&slots->keeper);
	tree_names_free(slots->names);
	inherit_done(&slots->inherited);
	ASSERT(pthread_cond_destroy(&slots->idle) == 0);
	lock_done(&slots->lock);
	lock_done(&slots->refresh_lock);
	free(slots->config_path);
	free(slots->run_target);
	free(slots->unconfined);
	free(slots->config_error);
	free(slots->reloaded);
	free(slots->drift);
	free(slots);
}

/* ---- running ---- */

void slots_set_notify(struct slots *slots, const struct slots_notify *notify)
{
	if (!notify)
		inherit_end(slots);
	slots->notify = notify ? *notify : (struct slots_notify){0};
}

void slots_hand_over(struct slots *slots)
{
	slots->is_handed_over = true;
	tree_names_hand_over(slots->names);
}

void slots_set_sweeper(struct slots *slots, const struct slots_sweeper *sweeper)
{
	slots->sweeper = *sweeper;
}

int slots_begin_verdict(struct slots *slots)
{
	lock_take(&slots->lock);
	int r = slots->draining ? -ESHUTDOWN : 0;
	if (r == 0)
		slots->judging++;
	lock_drop(&slots->lock);
	return r;
}

void slots_end_verdict(struct slots *slots)
{
	lock_take(&slots->lock);
	ASSERT(slots->judging > 0);
	if (--slots->judging == 0)
		ASSERT(pthread_cond_broadcast(&slots->idle) == 0);
	lock_drop(&slots->lock);
}

void slots_drain(struct slots *slots)
{
	events_end(slots->events, true);
	lock_take(&slots->lock);
	slots->draining = true;
	while (slots->judging > 0)
		ASSERT(pthread_cond_wait(&slots->idle, &slots->lock) == 0);
	lock_drop(&slots->lock);
}

int slots_statfs(struct slots *slots, struct statvfs *ret)
{
	return store_statvfs(slots->store, ret);
}

int slots_summarize(struct slots *slots, struct buf *ret)
{
	size_t functions = 0, layers = 0;
	struct slot *slot, *next;
	lock_take(&slots->lock);
	HASH_ITER(hh, slots->by_name, slot, next)
	*(slot->is_layer ? &layers : &functions) += 1;
	unsigned long long generation = slots->config_generation;
	lock_drop(&slots->lock);
	return buf_printf(ret, "%zu function%s, %zu layer%s, configuration generation %llu", functions,
			  functions == 1 ? "" : "s", layers, layers == 1 ? "" : "s", generation);
}
