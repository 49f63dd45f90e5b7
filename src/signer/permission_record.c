/* The statements of a profile as a file, and the words in them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "permission.h"
#include "record.h"

#define RECORD_KIND   "vouchfs-profile-permissions"
#define EVERY_VERSION "*"

static const char *const action_names[] = {
	[SIGNER_START_SIGNING_JOB] = "signer:StartSigningJob",
	[SIGNER_SIGN_PAYLOAD] = "signer:SignPayload",
	[SIGNER_GET_SIGNING_PROFILE] = "signer:GetSigningProfile",
	[SIGNER_REVOKE_SIGNATURE] = "signer:RevokeSignature",
};

const char *signer_action_name(enum signer_action action)
{
	ASSERT(action != SIGNER_ACTION_NONE && action < ARRAY_SIZE(action_names));
	return action_names[action];
}

bool signer_parse_action(const char *text, enum signer_action *ret)
{
	for (unsigned i = SIGNER_START_SIGNING_JOB; i < ARRAY_SIZE(action_names); i++) {
		if (strcmp(text, action_names[i]) != 0)
			continue;
		*ret = (enum signer_action)i;
		return true;
	}
	return false;
}

bool permission_is_statement_id(const char *text, size_t len)
{
	return text_consists_of(text, len, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", 1,
				SIGNER_STATEMENT_ID_SIZE - 1);
}

void signer_permissions_done(struct signer_permissions *permissions)
{
	free(permissions->statements);
	*permissions = (struct signer_permissions){0};
}

const struct signer_statement *permission_find(const struct signer_permissions *permissions, const char *id)
{
	for (size_t i = 0; i < permissions->count; i++)
		if (strcmp(permissions->statements[i].id, id) == 0)
			return &permissions->statements[i];
	return NULL;
}

static void permissions_path(const char *profile, char ret[HOME_PATH_SIZE])
{
	(void)snprintf(ret, HOME_PATH_SIZE, "profiles/%s/permissions", profile);
}

/* "<id> <action> <principal> <version>" */
static bool parse_statement(const char *text, size_t len, struct signer_statement *ret)
{
	enum { ID, ACTION, PRINCIPAL, VERSION, WORDS };
	char copy[256], *words[WORDS], *rest = copy;
	if (len >= sizeof(copy) || memchr(text, '\0', len))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	for (size_t i = 0; i < WORDS; i++)
		if (!(words[i] = strsep(&rest, " ")))
			return false;

	struct signer_statement statement = {0};
	bool is_every_version = strcmp(words[VERSION], EVERY_VERSION) == 0;
	if (rest || !permission_is_statement_id(words[ID], strlen(words[ID])) ||
	    !signer_parse_action(words[ACTION], &statement.action) ||
	    !arn_is_account(words[PRINCIPAL], strlen(words[PRINCIPAL])) ||
	    !(is_every_version || arn_is_profile_version(words[VERSION], strlen(words[VERSION]))))
		return false;
	(void)snprintf(statement.id, sizeof(statement.id), "%s", words[ID]);
	(void)snprintf(statement.principal, sizeof(statement.principal), "%s", words[PRINCIPAL]);
	if (!is_every_version)
		(void)snprintf(statement.version, sizeof(statement.version), "%s", words[VERSION]);
	*ret = statement;
	return true;
}

/* Whatever is not understood is damage: a change writes all of the file anew, and nothing may get lost by it. */
static void parse_statements(struct record *record, struct signer_permissions *permissions)
{
	const char *cursor = record->text->data, *end = cursor + record->text->len;
	struct text_line line;
	while (text_next_line(&cursor, end, &line)) {
		if (!text_equal(line.key, line.key_len, "statement"))
			continue;
		struct signer_statement *next = &permissions->statements[permissions->count];
		if (permissions->count == SIGNER_STATEMENTS_MAX || !parse_statement(line.value, line.value_len, next) ||
		    permission_find(permissions, next->id))
			record_bad(record, "statement");
		else
			permissions->count++;
	}
	if (cursor != end)
		record_bad(record, "statement");
}

static int parse(const struct buf *text, const char *path, struct signer_permissions *permissions,
		 struct explain *ret_why)
{
	struct record record;
	record_begin(&record, text, RECORD_KIND);
	record_copy(&record, "revision-id", permissions->revision_id, sizeof(permissions->revision_id), arn_is_uuid);
	if (text->len > 0)
		parse_statements(&record, permissions);
	permissions->size_bytes = text->len;
	return record_end(&record, path, ret_why);
}

int permission_read(const struct signer *signer, const char *profile, struct signer_permissions *ret,
		    struct explain *ret_why)
{
	char path[HOME_PATH_SIZE];
	permissions_path(profile, path);
	struct buf text = {0};
	struct signer_permissions permissions = {0};
	int r = home_read(signer, path, LIMIT_RECORD_BYTES, &text, ret_why);
	if (r < 0 && r != -ENOENT)
		return r;

	permissions.statements = calloc(SIGNER_STATEMENTS_MAX, sizeof(*permissions.statements));
	if (!permissions.statements)
		r = -ENOMEM;
	else
		r = r == -ENOENT ? 0 : parse(&text, path, &permissions, ret_why);
	if (r == 0)
		*ret = permissions;
	else
		signer_permissions_done(&permissions);
	buf_done(&text);
	return r;
}

static int print(const struct signer_permissions *permissions, struct buf *text)
{
	int r = record_put(text, RECORD_KIND, "1");
	if (r == 0)
		r = record_put(text, "revision-id", permissions->revision_id);
	for (size_t i = 0; r == 0 && i < permissions->count; i++) {
		const struct signer_statement *statement = &permissions->statements[i];
		r = buf_printf(text, "statement: %s %s %s %s\n", statement->id, signer_action_name(statement->action),
			       statement->principal, *statement->version ? statement->version : EVERY_VERSION);
	}
	return r;
}

int permission_write(const struct signer *signer, const char *profile, const struct signer_permissions *permissions,
		     struct explain *ret_why)
{
	char path[HOME_PATH_SIZE];
	permissions_path(profile, path);
	struct buf text = {0};
	int r = print(permissions, &text);
	if (r == 0)
		r = home_write(signer, path, &text, ret_why);
	buf_done(&text);
	return r;
}
