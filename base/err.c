// SPDX-License-Identifier: ISC
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char text[256];

int err_set(int code, const char *fmt, ...)
{
    char fresh[sizeof text]; /* an argument may be the text itself */
    va_list args;
    va_start(args, fmt);
    vsnprintf(fresh, sizeof fresh, fmt, args);
    va_end(args);
    memcpy(text, fresh, sizeof text);
    return code;
}

const char *err_text(void) { return text; }
