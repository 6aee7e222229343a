/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "client.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *fc_strerror(int code) {
    switch (code) {
    case 0: return "no error";
    case FC_ERROR_ARGUMENT: return "an argument of the call is wrong";
    case FC_ERROR_STATE: return "the call is not possible in this state";
    case FC_ERROR_MEMORY: return "no memory";
    case FC_ERROR_SYSTEM: return "a system call failed";
    case FC_ERROR_PATH: return "the socket path is too long";
    case FC_ERROR_NO_DAEMON: return "no daemon listens at the socket path";
    case FC_ERROR_PERMISSION: return "no permission to connect to the socket";
    case FC_ERROR_TIMEOUT: return "the time is over";
    case FC_ERROR_CLOSED: return "the connection is closed";
    case FC_ERROR_PROTOCOL: return "the daemon sent something that the protocol does not allow";
    case FC_ERROR_REFUSED: return "the daemon refused";
    case FC_ERROR_SESSION: return "the daemon ended the session";
    case FC_ERROR_FRAME: return "the daemon could not render this frame";
    case FC_ERROR_FULL: return "as many frames are in flight as agreed";
    case FC_ERROR_EMPTY: return "no frame is in flight";
    case FC_ERROR_BUFFER: return "the picture is larger than the buffer";
    case FC_ERROR_NOT_KEPT: return "frames are not kept, so there is nothing to resume with";
    default: return "unknown error code";
    }
}

/* The connection is over. */
void fc_fail(fc_client *client, int code) {
    if (client->broken == 0) client->broken = code;
    client->is_running = false;
}

static void say(fc_client *client, const char *format, va_list arguments) {
    memset(&client->last_error, 0, sizeof client->last_error);
    client->last_error.severity = FL_SEVERITY_SESSION;
    vsnprintf(client->last_error.text, sizeof client->last_error.text, format, arguments);
}

/* The connection is over; unless that was known and had a reason, this is it. */
void fc_lose(fc_client *client, const char *format, ...) {
    if (client->broken == 0) {
        va_list arguments;
        va_start(arguments, format);
        say(client, format, arguments);
        va_end(arguments);
    }
    fc_fail(client, FC_ERROR_CLOSED);
}

void fc_complain(fc_client *client, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(client, format, arguments);
    va_end(arguments);
    fc_fail(client, FC_ERROR_PROTOCOL);
}
