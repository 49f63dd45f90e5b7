/* Bugs on demand, for tests of the tests only: see io.h. */
#include "base/io.h"

#ifdef VOUCHFS_TEST_HOOKS

#include <stdlib.h>
#include <string.h>

bool io_has_bug(const char *name)
{
	const char *seeded = getenv("VOUCHFS_TEST_BUG");
	return seeded && strcmp(seeded, name) == 0;
}

#else

typedef int io_bug_is_empty_in_release_builds;

#endif
