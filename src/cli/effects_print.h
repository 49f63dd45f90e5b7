/* effects_print.h - what a reload or a policy bundle did to what is served. Private to src/cli. */
#ifndef CLI_EFFECTS_PRINT_PRIVATE_H
#define CLI_EFFECTS_PRINT_PRIVATE_H

#include "base/json.h"
#include "slots/effects.h"

/* On stdout: how the configuration differs, then the functions of each effect. */
void effects_print(const struct effects *effects);
/* generation, changes, counts and effects: members of the object that is open. */
void effects_put_json(struct json *j, const struct effects *effects);

#endif
