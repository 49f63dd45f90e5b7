#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>

void base_bug(const char *file, int line, const char *cond)
{
	fprintf(stderr, "vouchfs: bug: %s:%d: %s\n", file, line, cond);
	abort();
}
