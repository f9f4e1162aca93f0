/* Small bar charts of figures by day, on one picture: read from lines, composed as SVG, drawn by librsvg. */
#ifndef RENDER_CHART_H
#define RENDER_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <vips/vips.h>

#include "base/fault.h"

#define CHART_BYTES_MAX 16384
#define CHART_DAYS_MAX 31
#define CHART_PANELS_MAX 6
#define CHART_SERIES_MAX 2              /* of one panel */
#define CHART_SHORT_MAX 8               /* code points of a day's name and of a unit */

/* Fields are parted by tabs, lines by newlines, in this order:
 *   title   WORDS
 *   days    NAME …                 up to 31
 *   panel   WORDS  UNIT            1 to 6; UNIT may be empty
 *   series  WORDS  NUMBER …        one or two after each panel; whole numbers from 0, one for each day
 * Words too long for their place fade out there. The picture is a PNG of 1200 pixels' width, whole when this returns:
 * fonts are files, so it is drawn before the cage, and none of it comes from strangers. False: the lines are not like
 * that, or nothing could be drawn. */
MUST_CHECK bool chart_make(char *text, size_t length, void **png, size_t *size, int *width, int *height);

#endif
