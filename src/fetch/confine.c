#include "confine.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/confine.h"

#define MEMORY_MAX (512ULL << 20) /* libcurl with a resolver's thread takes a third of it, mostly never touched */

static bool set_limit(__rlimit_resource_t resource, rlim_t max)
{
	const struct rlimit limit = {.rlim_cur = max, .rlim_max = max};
	return setrlimit(resource, &limit) == 0;
}

static bool limit_memory(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return true; /* their shadow alone is larger */
#else
	return set_limit(RLIMIT_AS, MEMORY_MAX);
#endif
}

int fetch_confine_process(void)
{
	bool ok = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		  set_limit(RLIMIT_CORE, 0) && limit_memory();
	return ok ? 0 : -errno;
}

/* Reading stays as the files' modes have it: resolvers and OpenSSL look at more places than anybody could list. */
bool fetch_confine_files(const char *mountpoint)
{
	const struct confine_place below = {.path = mountpoint, .uses = CONFINE_WRITE | CONFINE_MAKE};
	return confine_files(&(struct confine_files){.places = &below, .count = 1}) == 0;
}
