/* The settings file: read whole, checked, and refused when too many can read it. */
#ifndef DATA_SETTINGS_FILE_H
#define DATA_SETTINGS_FILE_H

#include "base/buf.h"
#include "base/conf.h"

/* Reads the file for all roles. Lines in errors and warnings end with a newline and start with what
 * they are about; null when there was an error. A file open to others, or owned by neither root nor
 * us, is a warning: whoever starts with it takes it as an error. Free with conf_free. */
struct conf *settings_file_read(const char *path, struct buf *errors, struct buf *warnings);

#endif
