/* What would be refused today were everything set to Enforce: asked by those who look at the whole host. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "overview/fill.h"

/* Holds as long as the judgement that it was made beside. Guarded by the release's lock. */
struct enforced {
	uint64_t generation; /* of the trust */
	int64_t holds_from_s;
	enum policy_outcome outcome;
	enum policy_reason reason;
	char *detail;
};

void enforced_free(struct enforced *enforced)
{
	if (!enforced)
		return;
	free(enforced->detail);
	free(enforced);
}

static bool stands_locked(const struct release *release, const struct trust *trust)
{
	const struct enforced *enforced = release->enforced;
	return enforced && enforced->generation == trust->generation && enforced->holds_from_s == release->holds_from_s;
}

static int judge_locked(struct release *release, const struct trust *trust, struct enforced *ret)
{
	struct gate_decision *decision = calloc(1, sizeof(*decision));
	if (!decision)
		return -ENOMEM;
	const struct config_slot *section = slot_section(trust, release->slot);
	bool is_known = release->facts && release->facts_family == trust_family(trust);
	int r = gate_judge_as_enforce(trust, section ? section->code_signing : NULL, release->record,
				      is_known ? release->facts : NULL, decision);
	const struct policy_verdict *verdict = &decision->verdict;
	*ret = (struct enforced){.generation = trust->generation,
				 .holds_from_s = release->holds_from_s,
				 .outcome = verdict->outcome,
				 .reason = verdict->reason};
	if (r == 0 && verdict->outcome == POLICY_REFUSED) {
		ret->detail = strdup(verdict->detail);
		r = ret->detail ? 0 : -ENOMEM;
	}
	free(decision);
	return r;
}

static int renew_locked(struct release *release, const struct trust *trust)
{
	struct enforced *enforced = calloc(1, sizeof(*enforced));
	if (!enforced)
		return -ENOMEM;
	int r = judge_locked(release, trust, enforced);
	if (r < 0) {
		enforced_free(enforced);
		return r;
	}
	enforced_free(release->enforced);
	release->enforced = enforced;
	return 0;
}

int release_fill_enforced(struct release *release, const struct trust *trust, struct overview_slot *ret)
{
	lock_take(&release->lock);
	int r = stands_locked(release, trust) ? 0 : renew_locked(release, trust);
	const struct enforced *enforced = release->enforced;
	if (r == 0)
		r = overview_fill_enforce(enforced->outcome, enforced->reason, enforced->detail, ret);
	lock_drop(&release->lock);
	return r;
}
