/* Where the commands that look at a whole host get it from, and what the terminal takes. */
#include "overview.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"
#include "gate/trust.h"
#include "host.h"
#include "sheet.h"
#include "verify.h"

#define COLUMNS_MAX  500
#define STATUS_JSON  ".vouchfs/status.json"
#define PASSWD_BYTES 4096
#define PART_BYTES   65536

/* ---- of a mount ---- */

/* Files of .vouchfs have no size, so it is read until nothing comes. */
int cli_overview_read_status(int mount_dirfd, struct buf *ret)
{
	int fd = openat(mount_dirfd, STATUS_JSON, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	char *part = malloc(PART_BYTES);
	int r = part ? 0 : -ENOMEM;
	for (ssize_t got = 1; r == 0 && got > 0;) {
		got = read(fd, part, PART_BYTES);
		r = got < 0 ? -errno : buf_append(ret, part, (size_t)got);
		if (ret->len > LIMIT_STATUS_BYTES)
			r = -EFBIG;
	}
	free(part);
	io_close(&fd);
	return r;
}

static int ask_mount(int dirfd, struct overview **ret)
{
	struct buf text = {0};
	int r = cli_overview_read_status(dirfd, &text);
	if (r == 0)
		r = overview_parse(text.data ? text.data : "", text.len, ret);
	if (r == -EBADMSG)
		cli_error("the mount's " STATUS_JSON " is not what this program expects; are they of one version?");
	else if (r < 0)
		cli_error(STATUS_JSON ": %s", strerror(-r));
	buf_done(&text);
	return r < 0 ? CLI_EXIT_FAILURE : CLI_EXIT_OK;
}

/* ---- of a store ---- */

static int ask_store(const char *config_path, struct overview **ret)
{
	struct trust *trust = NULL;
	struct explain why = {0};
	if (cli_load_trust(config_path, &trust) < 0 || !trust) {
		cli_error("%s is not mounted, and its store cannot be found without it", config_path);
		return CLI_EXIT_CONFIG;
	}
	int r = overview_of_store(trust, ret, &why);
	trust_unref(trust);
	if (r < 0)
		cli_error("%s is not mounted, and its store cannot be looked at: %s", config_path,
			  why.text[0] ? why.text : strerror(-r));
	return r < 0 ? CLI_EXIT_FAILURE : CLI_EXIT_OK;
}

int cli_overview(const char *given_config, struct overview **ret)
{
	int dirfd = -1, r = cli_open_mount_if_any(given_config, &dirfd);
	if (r == -ENODEV)
		return ask_store(cli_config_path(given_config), ret);
	int code = r == 0 ? ask_mount(dirfd, ret) : CLI_EXIT_FAILURE;
	io_close(&dirfd);
	return code;
}

/* ---- the terminal ---- */

static bool name_user(uint32_t uid, char *ret, size_t ret_size)
{
	char strings[PASSWD_BYTES];
	struct passwd entry, *found = NULL;
	int error = getpwuid_r(uid, &entry, strings, sizeof(strings), &found);
	if (error == 0 && found)
		(void)snprintf(ret, ret_size, "%s", found->pw_name);
	return error == 0 && found;
}

static unsigned find_columns(void)
{
	const char *given = getenv("COLUMNS");
	struct winsize size = {0};
	uint64_t columns = 0;
	if (!given || !text_parse_u64(given, strlen(given), COLUMNS_MAX, &columns))
		columns = isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
	return columns < OVERVIEW_COLUMNS_MIN ? OVERVIEW_COLUMNS_MIN
	       : columns > COLUMNS_MAX	      ? COLUMNS_MAX
					      : (unsigned)columns;
}

struct overview_screen cli_overview_screen(void)
{
	return (struct overview_screen){
		.columns = find_columns(), .has_colour = sheet_begin().coloured, .name_user = name_user};
}

int cli_overview_print_json(const struct overview *overview)
{
	struct buf text = {0};
	struct json j = {.out = &text, .pretty = true};
	json_object(&j, NULL);
	overview_put_json(&j, overview);
	json_close(&j);
	int r = json_end(&j);
	if (r == 0)
		(void)printf("%s\n", text.data);
	else
		cli_error("%s", strerror(-r));
	buf_done(&text);
	return r < 0 ? CLI_EXIT_FAILURE : CLI_EXIT_OK;
}
