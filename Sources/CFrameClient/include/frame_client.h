#ifndef FRAMELOOM_FRAME_CLIENT_H
#define FRAMELOOM_FRAME_CLIENT_H
#include "frame_protocol.h"
#endif
