#include "layer_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define SHOWN_SIZE 128

/* A list on its way into a record. */
struct reading {
	const struct layer_list_request *request;
	struct store_release *record;
	struct policy_verdict *refusal;
	unsigned line;
};

/* A line, as it is shown. */
static const char *show(const char *text, size_t len, char ret[SHOWN_SIZE])
{
	return text_escape_print(ret, SHOWN_SIZE, text, len);
}

/* ---- refusals ---- */

static void refuse_line(struct reading *reading, const char *what, const char *remedy)
{
	char detail[POLICY_DETAIL_SIZE];
	(void)snprintf(detail, sizeof(detail), "line %u of " LAYER_LIST_NAME ": %s", reading->line, what);
	policy_refuse(POLICY_VF2005_LIST, detail, remedy, reading->refusal);
}

static void refuse_empty_line(struct reading *reading)
{
	refuse_line(reading, "expected a layer version, NAME:VERSION or its ARN, and found an empty line",
		    "write one layer version a line; to remove all layers, remove the file (rm)");
}

static void refuse_form(struct reading *reading, const char *text, size_t len)
{
	char shown[SHOWN_SIZE], what[POLICY_DETAIL_SIZE];
	bool has_cr = len > 0 && text[len - 1] == '\r';
	(void)snprintf(what, sizeof(what), "expected a layer version, NAME:VERSION or its ARN, and found \"%s\"%s",
		       show(text, len, shown), has_cr ? ", which ends in a carriage return" : "");
	refuse_line(reading, what,
		    has_cr ? "write the file with line ends of Unix (dos2unix)"
			   : "write one layer version a line, without blanks and comments, as tools:3");
}

static void refuse_foreign(struct reading *reading, const struct arn_layer_version *layer)
{
	const struct config *config = reading->request->trust->config;
	char arn[ARN_TEXT_SIZE], what[POLICY_DETAIL_SIZE];
	arn_print_layer_version(layer, arn);
	(void)snprintf(what, sizeof(what), "%s is not of this host, whose account is %s in region %s", arn,
		       config->account, config->region);
	refuse_line(reading, what, "publish the layer on this host, and name the version that it gets here");
}

static void refuse_count(struct reading *reading)
{
	char detail[POLICY_DETAIL_SIZE];
	(void)snprintf(detail, sizeof(detail),
		       "line %u of " LAYER_LIST_NAME ": a function has at most %u layers, and this is one more",
		       reading->line, LIMIT_LAYERS);
	policy_refuse(POLICY_VF4002_TOO_MANY, detail, "name fewer layers, or publish several of them as one",
		      reading->refusal);
}

static void refuse_twice(struct reading *reading, const struct store_layer *before, const char *name)
{
	char what[POLICY_DETAIL_SIZE];
	(void)snprintf(what, sizeof(what), "layer %s is named already, in version %" PRIu64, name, before->version);
	refuse_line(reading, what, "name each layer once, in one version");
}

void layer_list_refuse_absent(unsigned line, const char *name, struct policy_verdict *ret)
{
	char detail[POLICY_DETAIL_SIZE], remedy[POLICY_REMEDY_SIZE];
	(void)snprintf(detail, sizeof(detail), "line %u of " LAYER_LIST_NAME ": there is no layer version %s", line,
		       name);
	(void)snprintf(remedy, sizeof(remedy),
		       "name one that is there (ls layers/%.*s), or publish it: copy its ZIP there",
		       (int)strcspn(name, ":"), name);
	policy_refuse(POLICY_VF4001_NO_SLOT, detail, remedy, ret);
}

static void refuse_damaged(struct reading *reading, const char *name)
{
	const struct policy_verdict damaged = {
		.reason = POLICY_VF1002_INTEGRITY,
		.deciding = POLICY_INTEGRITY,
		.detail = "what the store has of it is damaged",
		.remedy = "publish the same layer again, which makes this version whole, too",
	};
	*reading->refusal = (struct policy_verdict){.outcome = POLICY_ACCEPTED};
	policy_add_layer(name, &damaged, reading->refusal);
}

static void refuse_unknown(struct reading *reading)
{
	policy_refuse(
		POLICY_VF2005_PERMISSION,
		"it cannot be told for which account the caller acts: [principal] sections name groups, and those "
		"of its process cannot be read",
		"see whether /proc hides processes from the daemon (hidepid, ProtectProc), or name users instead "
		"of groups",
		reading->refusal);
}

static void refuse_account(struct reading *reading, const char *layer, uint64_t version)
{
	const char *account = reading->request->user->account;
	char detail[POLICY_DETAIL_SIZE], remedy[POLICY_REMEDY_SIZE];
	(void)snprintf(detail, sizeof(detail),
		       "account %s is not permitted lambda:GetLayerVersion on layer version %s:%" PRIu64
		       ", which belongs to account %s",
		       account, layer, version, reading->request->trust->config->account);
	(void)snprintf(remedy, sizeof(remedy),
		       "have its owner permit it: vouchfs lambda add-layer-version-permission --layer-name %s "
		       "--version-number %" PRIu64
		       " --statement-id use-by-%s --action lambda:GetLayerVersion --principal %s",
		       layer, version, account, account);
	policy_refuse(POLICY_VF2005_PERMISSION, detail, remedy, reading->refusal);
}

static bool is_refused(const struct reading *reading)
{
	return reading->refusal->outcome == POLICY_REFUSED;
}

/* ---- a line ---- */

/* False: it is refused. */
static bool parse_line(struct reading *reading, const char *text, size_t len, struct arn_layer_version *ret)
{
	const struct config *config = reading->request->trust->config;
	char arn[ARN_TEXT_SIZE];
	bool is_arn = len >= 4 && memcmp(text, "arn:", 4) == 0;
	if (len == 0) {
		refuse_empty_line(reading);
		return false;
	}
	if (!is_arn) {
		int arn_len = snprintf(arn, sizeof(arn), "arn:" ARN_PARTITION_OURS ":lambda:%s:%s:layer:%.*s",
				       config->region, config->account, len < sizeof(arn) ? (int)len : 0, text);
		ASSERT(arn_len > 0);
		/* A line with a NUL in it comes out shorter. */
		bool is_whole = (size_t)arn_len < sizeof(arn) && !memchr(text, '\0', len);
		if (is_whole && arn_parse_layer_version(arn, (size_t)arn_len, ret))
			return true;
	} else if (arn_parse_layer_version(text, len, ret)) {
		bool is_ours = strcmp(ret->scope.partition, ARN_PARTITION_OURS) == 0 &&
			       strcmp(ret->scope.region, config->region) == 0 &&
			       strcmp(ret->scope.account, config->account) == 0;
		if (!is_ours)
			refuse_foreign(reading, ret);
		return is_ours;
	}
	refuse_form(reading, text, len);
	return false;
}

static int check_permission(struct reading *reading, const struct arn_layer_version *wanted)
{
	const struct layer_list_request *request = reading->request;
	const struct layer_user *user = request->user;
	struct layer_policy policy;
	if (strcmp(user->account, request->trust->config->account) == 0)
		return 0;
	int r = layer_policy_load(request->store, wanted->name, wanted->version, &policy);
	if (r == -EBADMSG) { /* I4 */
		policy.count = 0;
		r = 0;
	}
	if (r < 0 || layer_policy_permits(&policy, user))
		return r;
	if (user->account[0] != '\0')
		refuse_account(reading, wanted->name, wanted->version);
	else
		refuse_unknown(reading);
	return 0;
}

static const struct store_layer *find_before(const struct store_release *record, const char *name)
{
	for (size_t i = 0; i < record->layer_count; i++)
		if (strcmp(record->layers[i].layer, name) == 0)
			return &record->layers[i];
	return NULL;
}

/* Takes over what the layer's record has. */
static int add_layer(struct store_release *to, const struct arn_layer_version *wanted, struct store_release *version)
{
	struct store_layer *layer = &to->layers[to->layer_count];
	char *name = strdup(wanted->name);
	if (!name)
		return -ENOMEM;
	*layer = (struct store_layer){
		.layer = name,
		.version = version->number,
		.id = version->id,
		.length_bytes = version->length_bytes,
		.comment = version->comment,
		.comment_len = version->comment_len,
	};
	memcpy(layer->digest, version->digest, sizeof(layer->digest));
	version->comment = NULL;
	to->layer_count++;
	return 0;
}

static int find_version(struct reading *reading, const struct arn_layer_version *wanted, struct store_release **ret)
{
	const struct layer_list_request *request = reading->request;
	char slot[sizeof(STORE_LAYER_PREFIX) + ARN_LAMBDA_NAME_SIZE], name[GATE_LAYER_NAME_SIZE];
	(void)snprintf(slot, sizeof(slot), STORE_LAYER_PREFIX "%s", wanted->name);
	gate_print_layer(wanted->name, wanted->version, name);
	int r = store_load_release(request->store, slot, wanted->version, ret);
	if (r == -ENOENT)
		layer_list_refuse_absent(reading->line, name, reading->refusal);
	else if (r == -EBADMSG)
		refuse_damaged(reading, name);
	return is_refused(reading) ? 0 : r;
}

/* What may not be used is not told from what is not there: who has no permission learns nothing about versions. */
static int take_layer(struct reading *reading, const struct arn_layer_version *wanted)
{
	struct store_release *version = NULL;
	int r = check_permission(reading, wanted);
	if (r == 0 && !is_refused(reading))
		r = find_version(reading, wanted, &version);
	if (r == 0 && !is_refused(reading))
		r = add_layer(reading->record, wanted, version);
	store_release_free(version);
	return r;
}

static int take_line(struct reading *reading, const char *text, size_t len)
{
	struct arn_layer_version wanted;
	if (!parse_line(reading, text, len, &wanted))
		return 0;
	const struct store_layer *before = find_before(reading->record, wanted.name);
	if (before)
		refuse_twice(reading, before, wanted.name);
	else if (reading->record->layer_count == LIMIT_LAYERS)
		refuse_count(reading);
	else
		return take_layer(reading, &wanted);
	return 0;
}

int layer_list_take(const struct layer_list_request *request, struct store_release *record,
		    struct policy_verdict *ret_refusal)
{
	ASSERT(record->layer_count == 0 && !record->layers_text);
	struct policy_verdict refusal = {.outcome = POLICY_ACCEPTED, .deciding = POLICY_CHECK_COUNT};
	struct reading reading = {.request = request, .record = record, .refusal = &refusal};
	const char *at = request->text, *end = request->text + request->len;
	int r = 0;
	while (r == 0 && !is_refused(&reading) && at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *line_end = newline ? newline : end;
		reading.line++;
		r = take_line(&reading, at, (size_t)(line_end - at));
		at = newline ? newline + 1 : end;
	}
	if (r == 0 && !is_refused(&reading) && request->len > 0) {
		record->layers_text = strndup(request->text, request->len);
		r = record->layers_text ? 0 : -ENOMEM;
	}
	if (r == 0)
		*ret_refusal = refusal;
	return r;
}
