/* The table of many hosts, for programs. */
#include <stdlib.h>

#include "common.h"
#include "overview/fleet.h"

static void put_slots(struct json *j, const struct fleet_host *host)
{
	json_object(j, "slots");
	json_u64(j, "served", host->served_count);
	json_u64(j, "blocked", host->blocked_count);
	json_u64(j, "refused", host->refused_count);
	json_close(j);
}

static void put_problems(struct json *j, const struct fleet_host *host)
{
	json_array(j, "problems");
	for (size_t i = 0; i < host->finding_count; i++) {
		json_object(j, NULL);
		json_text(j, "level", overview_health_name(host->findings[i].level));
		json_text(j, "code", host->findings[i].code);
		json_text(j, "text", host->findings[i].text);
		json_close(j);
	}
	json_close(j);
}

/* Of one that is unreadable all but its name and why is left out. */
static void put_host(struct json *j, const struct fleet_host *host)
{
	static const char *const levels[] = {[FLEET_BAD] = "bad", [FLEET_WARNING] = "warning", [FLEET_OK] = "ok"};
	json_object(j, NULL);
	json_text(j, "host", host->name);
	json_text(j, "level", levels[host->level]);
	json_text(j, "error", host->error);
	if (!host->error) {
		json_text(j, "callsItself", host->claims);
		view_put_time(j, "seenAt", host->made_at_s);
		json_bool(j, "stale", host->is_stale);
		json_text(j, "state", host->state);
		json_u64(j, "sequence", host->sequence);
		json_u64(j, "highestSequence", host->highest_sequence);
		json_bool(j, "behind", host->is_behind);
		json_text(j, "differs", host->differs);
		json_text(j, "publisher", host->publisher);
		json_text(j, "treeSha256", host->tree_sha256);
		json_text(j, "alarm", host->alarm);
		json_bool(j, "rolledBack", host->is_rolled_back);
		json_u64(j, "drift", host->drift_count);
		put_slots(j, host);
		json_text(j, "health",
			  overview_health_name(host->finding_count > 0 ? host->findings[0].level : OVERVIEW_HEALTHY));
		put_problems(j, host);
	}
	json_close(j);
}

int fleet_put_json(struct json *j, const struct fleet *fleet)
{
	struct fleet_tally *all = NULL;
	size_t count = 0;
	int r = fleet_tally(fleet, &all, &count);
	if (r < 0)
		return r;
	json_u64(j, "schema", 1);
	view_put_time(j, "now", fleet->now_s);
	json_u64(j, "count", fleet->count);
	json_u64(j, "attention", fleet_count_attention(fleet));
	json_array(j, "bundles");
	for (size_t i = 0; i < count; i++) {
		json_object(j, NULL);
		json_u64(j, "sequence", all[i].sequence);
		json_u64(j, "hosts", all[i].count);
		json_close(j);
	}
	json_close(j);
	json_array(j, "hosts");
	for (size_t i = 0; i < fleet->count; i++)
		put_host(j, &fleet->hosts[i]);
	json_close(j);
	free(all);
	return 0;
}
