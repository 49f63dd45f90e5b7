/* page_json.c - what the page shows, for programs. */
#include <stdlib.h>

#include "common.h"
#include "enforce.h"
#include "page.h"
#include "views_json.h"

static void put_release(struct json *j, const struct overview_release *release)
{
	json_object(j, NULL);
	json_u64(j, "release", release->number);
	view_put_time(j, "since", release->since_s);
	json_bool(j, "current", release->is_current);
	json_bool(j, "blocked", release->is_blocked);
	json_bool(j, "damaged", release->is_damaged);
	json_text(j, "outcome", release->outcome);
	json_text(j, "reason", release->reason);
	json_text(j, "artifact", release->artifact);
	json_text(j, "profileVersionArn", release->profile_version_arn);
	json_u64(j, "uid", release->uid);
	json_text(j, "command", release->command);
	json_close(j);
}

static void put_histories(struct json *j, const struct overview_histories *histories)
{
	json_array(j, "history");
	for (size_t i = 0; i < histories->count; i++) {
		const struct overview_history *history = &histories->all[i];
		json_object(j, NULL);
		json_text(j, "function", history->function);
		json_array(j, "releases");
		for (size_t k = 0; k < history->count; k++)
			put_release(j, &history->releases[k]);
		json_close(j);
		json_u64(j, "leftOut", history->left_out);
		json_close(j);
	}
	json_close(j);
	json_u64(j, "historiesLeftOut", histories->left_out);
}

int overview_put_report(struct json *j, const struct overview_report *report)
{
	const struct overview *overview = report->overview;
	const struct overview_trust trust = {.overview = overview, .signers = report->signers};
	struct attentions attentions;
	struct overview_expiry *expiries = NULL;
	size_t expiry_count = 0;
	int r = attentions_find(overview, &attentions);
	if (r == 0)
		r = overview_list_expiries(overview, &expiries, &expiry_count);
	if (r == 0) {
		overview_put_json(j, overview);
		json_text(j, "mountpoint", report->mountpoint);
		attentions_put(j, "attention", &attentions);
		json_object(j, "trust");
		view_put_configs(j, &trust);
		json_close(j);
		json_array(j, "expires");
		for (size_t i = 0; i < expiry_count; i++)
			overview_put_expiry(j, overview, &expiries[i]);
		json_close(j);
		enforce_put_refused(j, "wouldFailUnderEnforce", overview);
		put_histories(j, report->histories);
	}
	attentions_done(&attentions);
	free(expiries);
	return r;
}
