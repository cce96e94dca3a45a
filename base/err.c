// SPDX-License-Identifier: ISC
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char text[256];

int err_set(int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return code;
}

const char *err_text(void) { return text; }
