/* The policy bundles that are kept, as a table and as JSON. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "internal.h"

/* One that is kept; what its record says, NULL where it does not. */
struct row {
	const struct store_release *release;
	bool is_current;
	uint64_t sequence;
	uint64_t uid;
	char since[CLOCK_UTC_SIZE];
	char *profile;
	char *job;
	char *signed_at;
	char *expires_at;
	char *command;
	char *rollback_reason;
};

static void row_done(struct row *row)
{
	free(row->profile);
	free(row->job);
	free(row->signed_at);
	free(row->expires_at);
	free(row->command);
	free(row->rollback_reason);
}

static void read_row(const struct release *release, bool is_current, struct row *ret)
{
	const char *record = release->record->decision ? release->record->decision : "";
	size_t len = strlen(record);
	*ret = (struct row){
		.release = release->record,
		.is_current = is_current,
		.sequence = governed_sequence_of(release->record),
		.uid = release->record->uid,
		.profile = text_record_get(record, len, "profile-version-arn"),
		.job = text_record_get(record, len, "job-arn"),
		.signed_at = text_record_get(record, len, "signed-at"),
		.expires_at = text_record_get(record, len, "expires-at"),
		.command = text_record_get(record, len, "by-command"),
		.rollback_reason = governed_reason_of(release->record),
	};
	(void)text_record_get_u64(record, len, "by-uid", &ret->uid);
	clock_format_utc(release->record->created_at_s, ret->since);
}

static int put_row(const struct row *row, struct buf *ret)
{
	char artifact[4 * LIMIT_NAME_BYTES + 1];
	const char *tail = row->profile ? strstr(row->profile, ":/signing-profiles/") : NULL;
	text_escape_print(artifact, sizeof(artifact), row->release->artifact_name, strlen(row->release->artifact_name));
	int r = buf_printf(ret, "%c %7" PRIu64 "  %s  %-15s  %s, signed until %s  uid %" PRIu64 " (%s)\n",
			   row->is_current ? '*' : ' ', row->sequence, row->since, artifact,
			   tail ? tail + strlen(":/signing-profiles/") : "-", row->expires_at ? row->expires_at : "-",
			   row->uid, row->command ? row->command : "-");
	if (r == 0 && row->rollback_reason)
		r = buf_printf(ret, "  %7s  rolled back to: %s\n", "", row->rollback_reason);
	return r;
}

static void put_row_json(struct json *j, const struct row *row)
{
	char hex[CRYPTO_SHA256_HEX_SIZE];
	text_hex(row->release->digest, sizeof(row->release->digest), hex);
	json_object(j, NULL);
	json_u64(j, "sequence", row->sequence);
	json_u64(j, "release", row->release->number);
	json_text(j, "since", row->since);
	json_bool(j, "current", row->is_current);
	json_text(j, "artifact", row->release->artifact_name);
	json_text(j, "treeSha256", hex);
	json_text(j, "profileVersionArn", row->profile);
	json_text(j, "jobArn", row->job);
	json_text(j, "signedAt", row->signed_at);
	json_text(j, "expiresAt", row->expires_at);
	json_object(j, "by");
	json_u64(j, "uid", row->uid);
	json_text(j, "command", row->command);
	json_close(j);
	json_bool(j, "rolledBack", row->rollback_reason != NULL);
	json_text(j, "rollbackReason", row->rollback_reason);
	json_close(j);
}

/* Releases that are listed, with references, the oldest first. */
struct kept {
	struct release **all;
	size_t count;
	const struct release *current; /* only compared */
};

static int collect(struct slots *slots, struct kept *ret)
{
	const struct slot *slot = slots->policy;
	lock_take(&slots->lock);
	*ret = (struct kept){.count = slot->listed_count, .current = slot->current};
	ret->all = calloc(ret->count + 1, sizeof(struct release *));
	for (size_t i = 0; ret->all && i < ret->count; i++)
		ret->all[i] = release_ref_locked(slot->listed[i]);
	lock_drop(&slots->lock);
	return ret->all ? 0 : -ENOMEM;
}

static void kept_done(struct kept *kept)
{
	for (size_t i = 0; kept->all && i < kept->count; i++)
		release_put(kept->all[i]);
	free(kept->all);
}

static int render_text(const struct kept *kept, uint64_t sequence, struct buf *ret)
{
	int r = kept->count == 0 ? buf_puts(ret, "policy: no bundle has come yet\n")
				 : buf_printf(ret, "policy: %zu bundle%s kept, sequence %" PRIu64 " is in force\n",
					      kept->count, kept->count == 1 ? " is" : "s are", sequence);
	for (size_t i = kept->count; r == 0 && i-- > 0;) {
		struct row row;
		read_row(kept->all[i], kept->all[i] == kept->current, &row);
		r = put_row(&row, ret);
		row_done(&row);
	}
	return r;
}

static int render_json(const struct kept *kept, uint64_t sequence, struct buf *ret)
{
	struct json j = {.out = ret, .pretty = true};
	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	if (sequence > 0)
		json_u64(&j, "current", sequence);
	else
		json_text(&j, "current", NULL);
	json_array(&j, "bundles");
	for (size_t i = kept->count; i-- > 0;) {
		struct row row;
		read_row(kept->all[i], kept->all[i] == kept->current, &row);
		put_row_json(&j, &row);
		row_done(&row);
	}
	json_close(&j);
	json_close(&j);
	int r = json_end(&j);
	return r == 0 ? buf_putc(ret, '\n') : r;
}

int policy_render_history(struct slots *slots, bool json, struct buf *ret)
{
	struct kept kept;
	struct trust *trust = slots_trust(slots);
	const struct governed *g = trust->governed;
	uint64_t sequence = g && g->state == GOVERNED_IN_FORCE ? g->sequence : 0;
	int r = collect(slots, &kept);
	if (r == 0)
		r = json ? render_json(&kept, sequence, ret) : render_text(&kept, sequence, ret);
	kept_done(&kept);
	trust_unref(trust);
	return r;
}
