/* When to look for differences. On the thread of slots_follow. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/policy.h"
#include "drift_check.h"
#include "gate/governed.h"
#include "internal.h"

void slots_note_change(struct slots *slots)
{
	struct drift_keeper *keeper = &slots->keeper;
	keeper->changed_ms = clock_monotonic_ms();
	if (keeper->first_changed_ms == 0)
		keeper->first_changed_ms = keeper->changed_ms;
}

/*
 * Several files that belong together are not written at once: a look in between would find what nobody has meant. So
 * it waits for some quiet, though not for ever.
 */
static uint64_t settles_in_ms(const struct drift_keeper *keeper)
{
	uint64_t now_ms = clock_monotonic_ms();
	if (keeper->changed_ms == 0)
		return UINT64_MAX;
	uint64_t at_ms = keeper->changed_ms + LIMIT_LIST_SETTLE_MS;
	uint64_t latest_ms = keeper->first_changed_ms + LIMIT_DRIFT_SETTLE_MS;
	at_ms = at_ms < latest_ms ? at_ms : latest_ms;
	return now_ms < at_ms ? at_ms - now_ms : 0;
}

static bool is_time(const struct drift_keeper *keeper)
{
	return clock_now_s() >= atomic_load(&keeper->due_at_s);
}

/* What changes files may also be what makes them good again, after it was tried in vain. */
static void forget_change(struct drift_keeper *keeper)
{
	if (keeper->changed_ms == 0)
		return;
	keeper->changed_ms = keeper->first_changed_ms = 0;
	free(keeper->tried);
	keeper->tried = NULL;
}

static void check(struct slots *slots)
{
	struct drift *drift = calloc(1, sizeof(*drift));
	int r = drift ? slots_check_drift(slots, drift) : -1;
	if (r < 0) {
		log_error("the host could not be compared with its policy bundle: out of memory");
		atomic_store(&slots->keeper.due_at_s, clock_now_s() + LIMIT_DRIFT_AGAIN_S);
	} else {
		drift_remedy(slots, drift);
	}
	free(drift);
}

uint64_t drift_follow(struct slots *slots)
{
	struct drift_keeper *keeper = &slots->keeper;
	drift_take_reload(slots);
	uint64_t settles_ms = settles_in_ms(keeper);
	bool has_settled = settles_ms == 0;
	if (has_settled)
		forget_change(keeper);
	if (atomic_exchange(&keeper->is_due, false) || has_settled || is_time(keeper))
		check(slots);
	int64_t due_at_s = atomic_load(&keeper->due_at_s);
	if (due_at_s != INT64_MAX)
		due_by(&slots->due, due_at_s);
	return has_settled ? UINT64_MAX : settles_ms;
}

/* ---- the files ---- */

void slots_each_file(struct slots *slots, void (*tell)(void *ctx, const char *path, bool is_directory), void *ctx)
{
	struct trust *trust = slots_trust(slots);
	char *conf_d = NULL;
	const char *slash = strrchr(slots->config_path, '/');
	const struct trust *local = trust->local;
	if (!trust->governed)
		goto out;
	tell(ctx, slots->config_path, false);
	if (slash &&
	    asprintf(&conf_d, "%.*s/" CONFIG_CONF_D, (int)(slash - slots->config_path), slots->config_path) >= 0)
		tell(ctx, conf_d, true);
	for (size_t i = 0; local && i < local->config->account_count; i++)
		if (!local->config->accounts[i].certificate_text)
			tell(ctx, local->config->accounts[i].certificate, false);
out:
	free(conf_d);
	trust_unref(trust);
}
