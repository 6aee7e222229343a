#include "frame_client.h"
