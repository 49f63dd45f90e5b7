#include "overview/history.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"

struct overview_histories *overview_histories_new(void)
{
	return calloc(1, sizeof(struct overview_histories));
}

/* ---- freeing ---- */

static void release_done(struct overview_release *release)
{
	free(release->outcome);
	free(release->reason);
	free(release->artifact);
	free(release->profile_version_arn);
	free(release->layers);
	free(release->command);
}

static void history_done(struct overview_history *history)
{
	for (size_t i = 0; i < history->count; i++)
		release_done(&history->releases[i]);
	free(history->releases);
	free(history->function);
}

void overview_histories_free(struct overview_histories *histories)
{
	if (!histories)
		return;
	for (size_t i = 0; i < histories->count; i++)
		history_done(&histories->all[i]);
	free(histories->all);
	free(histories);
}

/* ---- reading: members that are missing or of another type leave their place empty ---- */

/* False: out of memory. */
static bool read_text(const json_t *object, const char *key, char **ret)
{
	const char *text = json_string_value(json_object_get(object, key));
	*ret = text ? strdup(text) : NULL;
	return *ret || !text;
}

static uint64_t read_u64(const json_t *object, const char *key)
{
	json_int_t number = json_integer_value(json_object_get(object, key));
	return number > 0 ? (uint64_t)number : 0;
}

static int64_t read_time(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	int64_t at_s = 0;
	return text && clock_parse_utc(text, strlen(text), &at_s) ? at_s : 0;
}

static bool read_layers(const json_t *object, char **ret)
{
	const json_t *layers = json_object_get(object, "layers"), *layer;
	struct buf text = {0};
	size_t i;
	int r = 0;
	json_array_foreach(layers, i, layer) if (r == 0)
		r = buf_printf(&text, "%s%s", i > 0 ? " " : "", json_is_string(layer) ? json_string_value(layer) : "?");
	*ret = r == 0 ? buf_steal(&text) : NULL;
	buf_done(&text);
	return *ret;
}

/* What was read before memory ran out is in *ret too. */
static int read_release(const json_t *object, struct overview_release *ret)
{
	const json_t *by = json_object_get(object, "by");
	*ret = (struct overview_release){
		.number = read_u64(object, "release"),
		.since_s = read_time(object, "releasedAt"),
		.is_current = json_is_true(json_object_get(object, "current")),
		.is_blocked = json_is_true(json_object_get(object, "blocked")),
		.is_damaged = json_is_true(json_object_get(object, "damaged")),
		.uid = read_u64(by, "uid"),
		.rollback_to = read_u64(object, "rollbackTo"),
	};
	bool ok = read_text(object, "outcome", &ret->outcome) && read_text(object, "reason", &ret->reason) &&
		  read_text(object, "artifact", &ret->artifact) &&
		  read_text(object, "profileVersionArn", &ret->profile_version_arn) &&
		  read_text(by, "command", &ret->command) && read_layers(object, &ret->layers);
	return ok ? 0 : -ENOMEM;
}

static int read_history(const json_t *root, size_t max, struct overview_history *ret)
{
	const json_t *releases = json_object_get(root, "releases");
	if (!json_is_string(json_object_get(root, "function")) || !json_is_array(releases))
		return -EBADMSG;
	size_t there = json_array_size(releases), count = there < max ? there : max;
	struct overview_history history = {.left_out = there - count};
	history.releases = calloc(count + 1, sizeof(*history.releases));
	int r = history.releases && read_text(root, "function", &history.function) ? 0 : -ENOMEM;
	while (r == 0 && history.count < count) {
		r = read_release(json_array_get(releases, history.count), &history.releases[history.count]);
		history.count++;
	}
	if (r < 0)
		history_done(&history);
	else
		*ret = history;
	return r;
}

int overview_add_history(struct overview_histories *histories, const char *text, size_t len, size_t max)
{
	struct overview_history history;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	int r = root ? read_history(root, max, &history) : -EBADMSG;
	json_decref(root);
	if (r < 0)
		return r;
	struct overview_history *all = reallocarray(histories->all, histories->count + 1, sizeof(*all));
	if (!all) {
		history_done(&history);
		return -ENOMEM;
	}
	histories->all = all;
	all[histories->count++] = history;
	histories->release_count += history.count;
	return 0;
}
