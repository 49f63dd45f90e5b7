/* control.h - the parts of an overview that the daemon fills. Private to src/slots. */
#ifndef SLOTS_CONTROL_PRIVATE_H
#define SLOTS_CONTROL_PRIVATE_H

#include "internal.h"
#include "overview/overview.h"

/* Drift, the last look at the source, the last bundle that was brought. 0 or -ENOMEM. */
int control_fill_policy(struct slots *slots, struct overview_policy *policy);

#endif
