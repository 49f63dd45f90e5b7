/* history.h - the releases of a function, as a store that is not mounted has them. Private to src/cli. */
#ifndef CLI_HISTORY_PRIVATE_H
#define CLI_HISTORY_PRIVATE_H

#include "gate/trust.h"
#include "store/store.h"

/* To be read, as it lies. Negative errno after having said why. */
int history_open_store(const struct trust *trust, struct store **ret);
/* As gate/history.h renders it; appended. -ENOENT: neither the configuration nor the store knows the function. */
int history_of_store(const struct trust *trust, struct store *store, const char *function, bool json, struct buf *ret);

#endif
