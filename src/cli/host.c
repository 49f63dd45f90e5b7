/*
 * host.c - what commands share that ask a running mount. The mount of a configuration is found in the kernel's table of
 * mounts; answers come from its .vouchfs directory, so they are those of the daemon itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "cli/cli.h"
#include "config/config.h"
#include "fs/mount.h"
#include "host.h"

#define SHOWN_SIZE   256
#define ANSWER_BYTES 65536

/* ---- finding the mount ---- */

int cli_find_mount_if_any(const char *given_config, struct buf *ret_mountpoint)
{
	char *config = NULL;
	int r = cli_resolve_config(given_config, &config);
	if (r < 0)
		return r;
	r = fs_find_mount(config, ret_mountpoint);
	if (r == -ENOENT)
		r = -ENODEV;
	else if (r < 0)
		cli_error("the mount of %s cannot be found: %s", config, strerror(-r));
	free(config);
	return r;
}

static int open_mountpoint(const char *mountpoint, int *ret_dirfd)
{
	int r = io_open_dir(mountpoint);
	if (r == -ENOTCONN)
		cli_error("the mount on %s has lost its process; `vouchfs unmount -l %s` takes it away", mountpoint,
			  mountpoint);
	else if (r < 0)
		cli_error("%s: %s", mountpoint, strerror(-r));
	else
		*ret_dirfd = r;
	return r < 0 ? r : 0;
}

/* A failure of cli_find_mount_if_any or of what is made of it, said whole. */
static int say_unless_mounted(const char *given_config, int r)
{
	if (r == -ENODEV)
		cli_error("%s is not mounted; `vouchfs mount` does that", cli_config_path(given_config));
	return r;
}

int cli_find_mount(const char *given_config, struct buf *ret_mountpoint)
{
	return say_unless_mounted(given_config, cli_find_mount_if_any(given_config, ret_mountpoint));
}

int cli_open_mount_if_any(const char *given_config, int *ret_dirfd)
{
	struct buf mountpoint = {0};
	int r = cli_find_mount_if_any(given_config, &mountpoint);
	if (r == 0)
		r = open_mountpoint(mountpoint.data, ret_dirfd);
	buf_done(&mountpoint);
	return r;
}

int cli_open_mount(const char *given_config, int *ret_dirfd)
{
	return say_unless_mounted(given_config, cli_open_mount_if_any(given_config, ret_dirfd));
}

/* Files below .vouchfs are made when they are opened, and have no size. */
int cli_print_file(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	char *bytes = malloc(ANSWER_BYTES);
	ssize_t got = -ENOMEM;
	while (bytes && (got = read(fd, bytes, ANSWER_BYTES)) > 0)
		(void)fwrite(bytes, 1, (size_t)got, stdout);
	if (bytes && got < 0)
		got = -errno;
	free(bytes);
	io_close(&fd);
	return (int)got;
}

/* ---- slots ---- */

int cli_unknown_slot(int dirfd, const char *kind, const char *name)
{
	struct io_names names = {0};
	const char *nearest = NULL;
	if (io_list_dir(dirfd, kind, &names) == 0)
		nearest = text_nearest(name, (const char *const *)names.names, names.count);
	if (nearest)
		cli_error("there is no slot %s/%s, did you mean %s/%s?", kind, name, kind, nearest);
	else
		cli_error("there is no slot %s/%s; `vouchfs status` lists them", kind, name);
	io_names_done(&names);
	return CLI_EXIT_FAILURE;
}

const char *cli_split_slot(const char *slot, const char **ret_kind)
{
	static const char *const kinds[] = {"functions", "layers"};
	*ret_kind = kinds[0];
	const char *name = slot;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t len = strlen(kinds[i]);
		if (!text_starts_with(slot, kinds[i]) || slot[len] != '/')
			continue;
		*ret_kind = kinds[i];
		name = slot + len + 1;
	}
	return config_is_function_name(name) ? name : NULL;
}

const char *cli_function_operand(const struct cli_command *command, const char *operand)
{
	const char *kind;
	ASSERT(operand); /* cli_parse counts the operands */
	const char *name = cli_split_slot(operand, &kind);
	if (name && strcmp(kind, "functions") == 0)
		return name;
	char shown[SHOWN_SIZE];
	(void)cli_usage_error(command, "\"%s\" is not the name of a function, like main-function",
			      text_escape_print(shown, sizeof(shown), operand, strlen(operand)));
	return NULL;
}
