// SPDX-License-Identifier: MIT
/* One recording, from the first byte to the last. */
#ifndef RINGLIGHT_TRACE_H
#define RINGLIGHT_TRACE_H

#include "options.h"

/* Records what `options` ask for, to stdout. Returns the loader's exit status. */
int trace_run(const struct options *options);

#endif
