/* report.h - the parts of `vouchfs report`. Private to src/cli/report*.c. */
#ifndef CLI_REPORT_PRIVATE_H
#define CLI_REPORT_PRIVATE_H

#include "cli/cli.h"
#include "overview/views.h"

/*
 * The histories of the functions of an overview, from where that is from; LIMIT_REPORT_RELEASES at most. The exit code,
 * after having said why.
 */
int report_find_histories(const char *given_config, const struct overview *overview, struct overview_histories **ret);

#endif
