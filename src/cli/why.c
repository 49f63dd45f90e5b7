/*
 * why.c - `vouchfs why`: the last decision on a slot, or one record of the audit log, whole. A mount is asked; where
 * there is none, the store is read, as it lies.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "audit_log.h"
#include "base/io.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/cli.h"
#include "config/config.h"
#include "host.h"
#include "store/store.h"

#define SHOWN_SIZE 256
#define VALUE_SIZE 4096
#define POLICY	   "policy"

static int run(int argc, char **argv);

const struct cli_command cli_why_commands[] = {
	{.name = "why",
	 .summary = "the last decision on a slot, or an event by its number, whole",
	 .usage = "Examples:\n"
		  "  vouchfs why main-function\n"
		  "  vouchfs why layers/tools\n"
		  "  vouchfs why policy                     the policy bundle\n"
		  "  vouchfs why 1234\n"
		  "  vouchfs why main-function --json | jq .remedy\n\n"
		  "Every check with what was expected and found, what is kept, what to do, who it was. A number is\n"
		  "that of an event (`vouchfs events`); a function of such a name is functions/1234, and one\n"
		  "called policy is functions/policy where the host takes policy bundles. Older events than\n"
		  "the mount remembers are in the log, which only root and the store's owner may read.\n"
		  "Without a mount the store is read, as it lies.\n\n"
		  "Options:\n"
		  "      --json         the record as JSON\n" HOST_CONFIG_USAGE
		  "\nExit codes: 0 shown, 1 nothing to show, 2 usage.\n",
	 .run = run},
	{.name = NULL},
};

/* Where it is asked for. */
struct place {
	int mount; /* -1: there is no mount */
	const char *given_config;
	const char *kind; /* "functions" or "layers" */
	const char *name;
	bool is_policy;	       /* neither: the slot of policy bundles */
	char slot[SHOWN_SIZE]; /* both */
	bool json;
};

/* ---- an event ---- */

static int print_record(const struct buf *line, bool json)
{
	struct event event;
	struct buf text = {0};
	if (json) {
		(void)printf("%.*s\n", (int)line->len, line->data);
		return CLI_EXIT_OK;
	}
	int r = event_parse(line->data, line->len, &event);
	if (r == 0) {
		r = event_print_why(&event, &text);
		event_done(&event);
	}
	if (r == 0)
		(void)fputs(text.data, stdout);
	else
		cli_error("the record cannot be shown: %s", strerror(-r));
	buf_done(&text);
	return r == 0 ? CLI_EXIT_OK : CLI_EXIT_FAILURE;
}

static int show_event(const struct place *place, uint64_t seq)
{
	struct buf line = {0};
	int r = cli_find_record(place->mount, place->given_config, seq, &line);
	int code = r == 0 ? print_record(&line, place->json) : CLI_EXIT_FAILURE;
	if (r == -ENOENT)
		cli_error("there is no event %" PRIu64 "; `vouchfs events` lists the last ones", seq);
	else if (r == -EACCES && place->mount >= 0)
		cli_error("event %" PRIu64
			  " is not among the recent ones of the mount, and the log is for root and the "
			  "owner of the store alone; run it as one of them",
			  seq);
	else if (r == -EACCES)
		cli_error("there is no mount, and the log is for root and the owner of the store alone; run it as one "
			  "of them");
	else if (r < 0)
		cli_error("the audit log cannot be read: %s", strerror(-r));
	buf_done(&line);
	return code;
}

/* ---- a slot's note, where its record is not to be had ---- */

/* The members have the names that they have in records. */
static int print_note_json(const struct place *place, const char *head, size_t len)
{
	static const struct {
		const char *key, *member;
	} texts[] = {{"outcome", "outcome"}, {"reason", "reason"}, {"at", "time"}, {"by", "by"}, {"detail", "detail"}};
	uint64_t event;
	struct buf text = {0};
	struct json j = {.out = &text};
	json_object(&j, NULL);
	json_u64(&j, "schema", 1);
	if (text_record_get_u64(head, len, "event", &event))
		json_u64(&j, "seq", event);
	json_text(&j, "slot", place->slot);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		char *value = text_record_get(head, len, texts[i].key);
		if (value && strcmp(value, "-") != 0)
			json_text(&j, texts[i].member, value);
		free(value);
	}
	json_close(&j);
	int r = json_end(&j);
	if (r == 0)
		(void)puts(text.data);
	buf_done(&text);
	return r == 0 ? CLI_EXIT_OK : CLI_EXIT_FAILURE;
}

static int show_note_json(const struct place *place, const char *head, size_t len)
{
	uint64_t event;
	struct buf line = {0};
	bool is_found = text_record_get_u64(head, len, "event", &event) &&
			cli_find_record(place->mount, place->given_config, event, &line) == 0;
	int code = is_found ? print_record(&line, true) : print_note_json(place, head, len);
	buf_done(&line);
	return code;
}

/* ---- a slot of a mount ---- */

/* The head of the slot's note as its attributes have it. -ENODATA: nothing was decided. */
static int read_head(const struct place *place, struct buf *ret)
{
	static const char *const keys[] = {"outcome", "reason", "at", "by", "detail", "event"};
	char value[VALUE_SIZE], name[64];
	int fd = openat(place->mount, place->slot, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -errno : 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(keys); i++) {
		(void)snprintf(name, sizeof(name), "user.vouchfs.last_%s", keys[i]);
		ssize_t len = fgetxattr(fd, name, value, sizeof(value));
		if (len > 0)
			r = buf_printf(ret, "%s: %.*s\n", keys[i], (int)len, value);
	}
	io_close(&fd);
	return r == 0 && ret->len == 0 ? -ENODATA : r;
}

static int show_slot_of_mount(const struct place *place)
{
	char why[SHOWN_SIZE + sizeof(".vouchfs/why/")];
	struct buf head = {0};
	(void)snprintf(why, sizeof(why), ".vouchfs/why/%s", place->slot);
	int r = place->json ? read_head(place, &head) : cli_print_file(place->mount, why);
	int code = r == 0 && place->json ? show_note_json(place, head.data, head.len) : CLI_EXIT_OK;
	buf_done(&head);
	if (r == 0)
		return code;
	bool is_there = faccessat(place->mount, place->slot, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
	if (!is_there)
		return cli_unknown_slot(place->mount, place->kind, place->name);
	if (r == -ENOENT || r == -ENODATA)
		cli_error("%s: nothing was deployed there yet, so nothing was decided", place->slot);
	else
		cli_error("%s: %s", place->slot, strerror(-r));
	return CLI_EXIT_FAILURE;
}

/* ---- a slot of a store ---- */

static int read_note(const struct place *place, struct buf *ret, struct explain *ret_why)
{
	char *path = NULL, name[SHOWN_SIZE];
	struct store *store = NULL;
	int r = cli_audit_store(place->given_config, &path);
	if (r < 0)
		return r;
	bool is_layer = strcmp(place->kind, "layers") == 0;
	if (place->is_policy)
		(void)snprintf(name, sizeof(name), STORE_POLICY_SLOT);
	else
		(void)snprintf(name, sizeof(name), "%s%s", is_layer ? STORE_LAYER_PREFIX : "", place->name);
	r = store_open(&(struct store_options){.path = path, .read_only = true}, &store, ret_why);
	if (r == 0)
		r = store_get_slot_file(store, name, "note", ret);
	store_close(store);
	free(path);
	return r == 0 && ret->len == 0 ? -ENOENT : r;
}

static int show_slot_of_store(const struct place *place)
{
	struct buf note = {0};
	struct explain why = {0};
	int code = CLI_EXIT_FAILURE, r = read_note(place, &note, &why);
	const char *gap = r == 0 ? memmem(note.data, note.len, "\n\n", 2) : NULL;
	if (r == 0 && gap && place->json) {
		code = show_note_json(place, note.data, (size_t)(gap - note.data) + 1);
	} else if (r == 0 && gap) {
		(void)fputs(gap + 2, stdout);
		code = CLI_EXIT_OK;
	} else if (r == -ENOENT && why.text[0] == '\0') {
		cli_error("%s: nothing was decided there yet, as far as the store knows", place->slot);
	} else {
		cli_error("%s: %s", place->slot, why.text[0] ? why.text : strerror(r < 0 ? -r : EBADMSG));
	}
	buf_done(&note);
	return code;
}

/* ---- the command ---- */

/* Of a store nobody knows before it is looked at. */
static bool takes_bundles(const struct place *place)
{
	return place->mount < 0 || faccessat(place->mount, POLICY, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int show(struct place *place, const char *what)
{
	uint64_t seq;
	if (text_parse_u64(what, strlen(what), INT64_MAX, &seq))
		return show_event(place, seq);
	place->name = cli_split_slot(what, &place->kind);
	if (!place->name) {
		char shown[SHOWN_SIZE];
		return cli_usage_error(cli_why_commands,
				       "\"%s\" is neither the name of a slot, like main-function, nor the number of an "
				       "event",
				       text_escape_print(shown, sizeof(shown), what, strlen(what)));
	}
	place->is_policy = strcmp(what, POLICY) == 0 && takes_bundles(place);
	if (place->is_policy)
		(void)snprintf(place->slot, sizeof(place->slot), POLICY);
	else
		(void)snprintf(place->slot, sizeof(place->slot), "%s/%s", place->kind, place->name);
	return place->mount >= 0 ? show_slot_of_mount(place) : show_slot_of_store(place);
}

static int run(int argc, char **argv)
{
	struct place place = {.mount = -1};
	bool done = false;
	const struct cli_option table[] = {
		{.name = "config", .letter = 'c', .kind = CLI_TEXT, .ret_text = &place.given_config},
		{.name = "json", .kind = CLI_FLAG, .ret_flag = &place.json},
	};
	int code = cli_parse(cli_why_commands, table, ARRAY_SIZE(table), &argc, argv, 1, 1, &done);
	if (code != CLI_EXIT_OK || done)
		return code;
	ASSERT(argv[1]); /* cli_parse counts the operands */
	int r = cli_open_mount_if_any(place.given_config, &place.mount);
	if (r < 0 && r != -ENODEV)
		return CLI_EXIT_FAILURE;
	code = show(&place, argv[1]);
	io_close(&place.mount);
	return code;
}
