/* Where a result goes: <directory>/<prefix><job id>.zip or one file, and how one that was made elsewhere gets there. */
#include "destination.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "draft.h"
#include "home.h"

int destination_absolute(const char *path, char **ret)
{
	char *absolute = NULL;
	if (path[0] == '/') {
		absolute = strdup(path);
	} else {
		char *here = getcwd(NULL, 0);
		if (!here)
			return -errno;
		if (asprintf(&absolute, "%s/%s", here, path) < 0)
			absolute = NULL;
		free(here);
	}
	if (!absolute)
		return -ENOMEM;
	*ret = absolute;
	return 0;
}

/* Makes the folders that a prefix like "signed/v1-" names; they stay below the directory. */
static int make_prefix_folders(const char *directory, const char *prefix, struct explain *ret_why)
{
	if (!strchr(prefix, '/'))
		return 0;
	char partial[PATH_MAX], escaped[HOME_PRINTABLE_SIZE];
	if (strlen(prefix) >= sizeof(partial))
		return home_refuse(ret_why, -EINVAL, "the destination's prefix is too long");
	memcpy(partial, prefix, strlen(prefix) + 1);

	int fd = io_open_dir(directory);
	if (fd < 0)
		return home_failed(ret_why, fd, "the destination directory %s", home_printable(directory, escaped));
	int r = 0;
	for (char *slash = strchr(partial, '/'); r == 0 && slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		r = io_mkdirat(fd, partial, 0777);
		int folder = r < 0 ? r : io_open_dirat(fd, partial); /* refuses ".." and symlinks */
		r = folder < 0 ? folder : 0;
		io_close(&folder);
		*slash = '/';
	}
	io_close(&fd);
	return r < 0 ? home_failed(ret_why, r, "the folders of the prefix in %s", home_printable(directory, escaped))
		     : 0;
}

static bool is_inner_prefix(const char *prefix)
{
	size_t len = strlen(prefix);
	return prefix[0] != '/' && strcmp(prefix, "..") != 0 && !text_starts_with(prefix, "../") &&
	       !strstr(prefix, "/../") && !(len >= 3 && strcmp(prefix + len - 3, "/..") == 0);
}

int destination_path(const struct signer_job_request *request, const struct arn_job *job, char **ret,
		     struct explain *ret_why)
{
	if (request->output_path)
		return destination_absolute(request->output_path, ret);

	char escaped[HOME_PRINTABLE_SIZE];
	const char *prefix = request->destination_prefix ? request->destination_prefix : "";
	if (!is_inner_prefix(prefix))
		return home_refuse(ret_why, -EINVAL,
				   "the destination's prefix %s leads out of its directory; leave out \"..\" and the "
				   "leading \"/\"",
				   home_printable(prefix, escaped));
	int r = make_prefix_folders(request->destination_directory, prefix, ret_why);
	if (r < 0)
		return r;
	char *path;
	if (asprintf(&path, "%s/%s%s.zip", request->destination_directory, prefix, job->id) < 0)
		return -ENOMEM;
	r = destination_absolute(path, ret);
	free(path);
	return r;
}

/* Any job id will do: what is there to be found is the same for all of them. */
int destination_check(const struct signer_job_request *request, struct explain *ret_why)
{
	const struct arn_job any = {.id = "-"};
	char *path = NULL;
	int directory = -1, r = destination_path(request, &any, &path, ret_why);
	if (r == 0) {
		r = draft_open_directory(path, &directory, ret_why);
		io_close(&directory);
	}
	free(path);
	return r;
}

int signer_place_result(int fd, const struct signer_job_request *request, const struct arn_job *job, char **ret_path,
			struct explain *ret_why)
{
	char *path = NULL;
	struct draft draft = DRAFT_NONE;
	int r = destination_path(request, job, &path, ret_why);
	if (r == 0)
		r = draft_open(&(struct draft_files){.source = path, .source_fd = &fd, .destination = path}, UINT64_MAX,
			       &draft, ret_why);
	if (r == 0 && (r = io_fsync(draft.fd)) < 0)
		r = home_failed(ret_why, r, "the signed artifact cannot be written");
	if (r == 0)
		r = draft_publish(&draft, ret_why);
	draft_done(&draft);
	if (r == 0)
		*ret_path = path;
	else
		free(path);
	return r;
}
